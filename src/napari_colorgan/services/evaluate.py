"""Evaluate a model on held-out colour images, beside baselines of mean colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_colorgan.errors import InputError
from napari_colorgan.events import Notice, PlaneDone, Started, run
from napari_colorgan.services.evaluation.results import Evaluation
from napari_colorgan.services.evaluation.settings import REPEATABLE, EvaluationSettings, ImageSet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_colorgan.events import Event, Job
    from napari_colorgan.library.model_file import Model
    from napari_colorgan.services.evaluation.baselines import Baselines
    from napari_colorgan.services.evaluation.colorizer import Colorizer
    from napari_colorgan.services.evaluation.observers import Classifier, PerceptualDistance
    from napari_colorgan.services.evaluation.results import SetResult


def evaluate_job(
    model: Model,
    sets: Sequence[ImageSet],
    settings: EvaluationSettings | None = None,
    *,
    baselines: Baselines | None = None,
    colorizer: Colorizer | None = None,
) -> Job[Evaluation]:
    """Measure a model on sets of colour images, each image given as the gray of its own L*.

    Images are read, colorized and measured one at a time: memory doesn't grow with their number.

    Parameters
    ----------
    model : Model
        The model.
    sets : sequence of ImageSet
        What to measure it on.
    settings : EvaluationSettings, optional
        The numbers of the evaluation.
    baselines : Baselines, optional
        The training set's mean colours. Without them the gray image is the only baseline.
    colorizer : Colorizer, optional
        Used in place of the model, in tests and to measure another method in the same way.

    Yields
    ------
    Event
        Started, PlaneDone for each image, and a Notice where an image can't be read or a metric
        has to be left out.

    Returns
    -------
    Evaluation
        The numbers.

    Raises
    ------
    InputError
        If no set has an image with colour; one of several without any is left out, with a notice.
    ColorganError
        If the model or its device fails.
    """
    from napari_colorgan.services.evaluation.colorizer import make_colorizer
    from napari_colorgan.services.evaluation.measure import SetEvaluation
    from napari_colorgan.services.evaluation.observers import find_observers
    from napari_colorgan.services.evaluation.truth import choose_pictures

    settings = settings or EvaluationSettings()
    predictor = None
    if colorizer is None:
        colorizer = make_colorizer(model, settings.prediction)
        predictor = colorizer.predictor
    classifier, perceptual, missing = find_observers(settings.classifier)
    # All sets are listed before the first image is read: a wrong path fails at once.
    chosen = [choose_pictures(image_set, settings.limit, settings.seed) for image_set in sets]
    total, done = sum(map(len, chosen)), 0
    yield Started(total, "image")
    if missing:
        yield Notice(missing)
    results: list[SetResult] = []
    refused: list[InputError] = []
    for image_set, pictures in zip(sets, chosen, strict=True):
        evaluation = SetEvaluation(image_set, baselines, settings, (classifier, perceptual))
        for number, picture in enumerate(pictures):
            side = settings.side(model.card.scale)
            problem = evaluation.add(picture, side, colorizer)
            if predictor is not None:
                yield from map(Notice, predictor.take_notices())
            if problem:
                yield Notice(problem)
            done += 1
            yield PlaneDone(done, total, (number,))
        try:
            results.append(evaluation.result())
        except InputError as error:
            # The other sets' results may have taken hours.
            refused.append(error)
            yield Notice(f"A set is left out: {error}")
    if refused and not results:
        raise refused[0]
    card = model.card
    return Evaluation(
        model=card.name,
        version=card.version,
        sha256=card.sha256,
        protocol=_protocol(model, settings, classifier, perceptual),
        settings=asdict(settings),
        sets=tuple(results),
    )


def evaluate(
    model: Model | str | Path,
    images: Any,
    *,
    train: Any = None,
    hints: int = 0,
    size: Any = "auto",
    limit: int | None = None,
    seed: int = 0,
    device: str = "auto",
    on_event: Callable[[Event], object] | None = None,
) -> Evaluation:
    """Measure how well a model colorizes images whose colours are known.

    Parameters
    ----------
    model : str, Path or Model
        A model's name in the library, a model file, or a loaded model.
    images : path, array, sequence of them, or mapping of str to these
        Colour images: files, folders and RGB arrays of shape (..., H, W, 3), uint8, uint16 or
        float in 0..1. A mapping names sets that are measured apart.
    train : path, array or sequence of them, optional
        The images that the model was trained on, or some like them: the baselines' colours.
    hints : int, default: 0
        True colours revealed in each image, at random places.
    size : int or {"auto", "full"}
        The short side to which images are brought; see `EvaluationSettings`.
    limit : int, optional
        Maximum number of images of each set, sampled by `seed`.
    seed : int, default: 0
        Of all random choices.
    device : str, default: "auto"
        Where the model runs: "cpu", "cuda", "mps" …
    on_event : callable, optional
        Called with each event, for progress.

    Returns
    -------
    Evaluation
        Metrics by set, method and name. `services.evaluation.report` makes pages of it.

    Raises
    ------
    InputError
        If there are no colour images, or a number is out of range.
    ModelError
        If the model can't be used.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_colorgan import evaluate
    >>> images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    >>> (found,) = evaluate("microscopy", images).sets
    >>> found.images
    2
    >>> found.methods["model"]["psnr"].value > 0
    True
    """
    from napari_colorgan.services.evaluation.baselines import fit_baselines_job
    from napari_colorgan.services.models import load_model

    settings = EvaluationSettings(
        size=size,
        hints=hints,
        limit=limit,
        seed=seed,
        prediction=replace(REPEATABLE, device=device),
    )
    loaded = load_model(model)
    # Without names all images are one set.
    named = images if isinstance(images, Mapping) else {"images": images}
    sets = [ImageSet(str(name), _listed(value)) for name, value in named.items()]
    baselines = None
    if train is not None:
        fitting = fit_baselines_job(_listed(train), name="the training images", seed=seed)
        baselines = run(fitting, on_event)
    return run(evaluate_job(loaded, sets, settings, baselines=baselines), on_event)


def _listed(images: Any) -> tuple[Any, ...]:
    if isinstance(images, str | Path) or hasattr(images, "shape"):
        return (images,)
    return tuple(images)


def _protocol(
    model: Model,
    settings: EvaluationSettings,
    classifier: Classifier | None,
    perceptual: PerceptualDistance | None,
) -> str:
    """Return sentences on how it was measured."""
    side, card = settings.side(model.card.scale), model.card
    prediction = settings.prediction.resolved(card)
    hints = (
        f"{settings.hints} true colours as hints in each image" if settings.hints else "no hints"
    )
    sentences = [
        f"Images have {f'a short side of {side} px' if side else 'their own pixels'}; the model "
        f"sees the gray of their own L*, with {hints}.",
        f"Working scale {prediction.scale}, temperature {prediction.temperature:.3g}, "
        f"strength {prediction.strength:g}, precision {prediction.precision}; "
        "all methods are compared as 8-bit RGB.",
    ]
    if settings.resamples:
        sentences.append(
            f"In brackets: 95 % bootstrap intervals over images ({settings.resamples} resamples)."
        )
    if classifier is not None:
        sentences.append("The classifier is EfficientNet-Lite0, trained on ImageNet.")
    if perceptual is not None:
        sentences.append(f"LPIPS is measured on {perceptual.network}.")
    return " ".join(sentences)
