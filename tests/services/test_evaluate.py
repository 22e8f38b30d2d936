"""An evaluation, whole, with a fake model in the real one's place."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.errors import InputError
from napari_colorgan.events import Event, Notice, PlaneDone, Started, run
from napari_colorgan.guidance.hints import HintMap
from napari_colorgan.inference.stack import ColorPlane
from napari_colorgan.library.card import ModelCard
from napari_colorgan.library.model_file import Model
from napari_colorgan.services.evaluate import evaluate, evaluate_job
from napari_colorgan.services.evaluation.baselines import fit_baselines_job
from napari_colorgan.services.evaluation.report import to_html, to_markdown
from napari_colorgan.services.evaluation.settings import EvaluationSettings, ImageSet
from napari_colorgan.services.evaluation.truth import to_rgb

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.services.evaluation.results import Evaluation

QUICK: dict[str, Any] = {"classifier": False, "resamples": 20, "size": 48}


@pytest.fixture(scope="module")
def model() -> Model:
    generator = build_generator(
        GeneratorConfig(
            architecture="pix2pix", decoder_channels=(2,), output_stride=1, head="regression"
        )
    ).eval()
    card = ModelCard("tiny", "1", "A study", "photographs", "", vividness=0.25, sha256="0" * 64)
    return Model(card, generator)


def images(count: int, height: int = 40, width: int = 48) -> list[np.ndarray]:
    rng = np.random.default_rng(6)
    return [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(count)]


def paint(gray: np.ndarray, hints: HintMap | None) -> ColorPlane:
    """Colorize with hints alone, unsure where there are none."""
    hints = hints or HintMap.empty(*gray.shape)
    return ColorPlane(to_rgb(gray, hints.ab), 1 - hints.weight)


def evaluated(model: Model, sets: list[ImageSet], **settings: Any) -> Evaluation:
    job = evaluate_job(model, sets, EvaluationSettings(**{**QUICK, **settings}), colorizer=paint)
    return run(job)


def test_every_set_gets_its_numbers_and_examples(model: Model) -> None:
    sets = [ImageSet("one", tuple(images(3))), ImageSet("two", tuple(images(5)))]
    found = evaluated(model, sets, examples=2, size="auto")
    assert [(each.name, each.images, each.left_out) for each in found.sets] == [
        ("one", 3, 0),
        ("two", 5, 0),
    ]
    assert [len(each.examples) for each in found.sets] == [2, 2]
    gain = found.sets[0].methods["model"]["psnr_gain"].value
    assert gain == pytest.approx(0, abs=1e-3)  # gray by rounding, and gray by way of L*a*b*
    assert found.sets[0].calibration is not None
    assert "short side of 256 px" in found.protocol
    assert "temperature 0.562" in found.protocol


def test_images_are_read_one_at_a_time(model: Model) -> None:
    read: list[int] = []

    class Stack:
        shape, dtype, ndim = (6, 40, 48, 3), np.dtype(np.uint8), 4

        def __getitem__(self, index: Any) -> np.ndarray:
            read.append(index[0])
            return images(1)[0]

    job = evaluate_job(
        model, [ImageSet("a stack", (Stack(),))], EvaluationSettings(**QUICK), colorizer=paint
    )
    assert next(job) == Started(6, "image")
    for count in range(1, 7):
        assert next(job) == PlaneDone(count, 6, (count - 1,))
        assert len(read) == count


def test_failures_are_the_images_that_the_model_makes_worst(model: Model) -> None:
    shots = np.stack(images(5))

    def paint_worse(gray: np.ndarray, hints: HintMap | None) -> ColorPlane:
        # The third image gets a glaring colour, the fifth a weak one, the rest stay gray.
        number = len(painted)
        painted.append(number)
        ab = np.zeros((2, *gray.shape), np.float32)
        ab[0] = {2: 90.0, 4: 60.0}.get(number, 0.0)
        return ColorPlane(to_rgb(gray, ab), None)

    painted: list[int] = []
    settings = EvaluationSettings(**QUICK, failures=2)
    job = evaluate_job(model, [ImageSet("five", (shots,))], settings, colorizer=paint_worse)
    (result,) = run(job).sets
    assert [example.name for example in result.failures] == ["0[2]", "0[4]"]


def test_the_limit_draws_images_by_the_seed(model: Model) -> None:
    sets = [ImageSet("many", tuple(images(8)))]
    names = [
        [example.name for example in evaluated(model, sets, limit=3, seed=seed).sets[0].examples]
        for seed in (0, 0, 1)
    ]
    assert len(names[0]) == 3
    assert names[0] == names[1] != names[2]


def test_hints_raise_the_quality_and_are_measured_in_their_places(model: Model) -> None:
    sets = [ImageSet("one", tuple(images(2)))]
    gains = []
    for hints in (0, 1, 20):
        (result,) = evaluated(model, sets, hints=hints, size="full").sets
        gains.append(result.methods["model"]["l1"].value)
        assert ("hint_delta_e" in result.methods["model"]) == (hints > 0)
    assert gains[0] > gains[1] > gains[2]
    assert result.methods["model"]["uncertainty_rank"].value > 0


def test_what_cant_be_read_or_has_no_colour_is_left_out_and_said(
    model: Model, tmp_path: Path
) -> None:
    Image.fromarray(images(1)[0]).save(tmp_path / "good.png")
    Image.fromarray(images(1)[0][..., 0]).save(tmp_path / "gray.png")
    (tmp_path / "broken.jpg").write_bytes(b"not a picture")
    events: list[Event] = []
    job = evaluate_job(
        model, [ImageSet("a folder", (tmp_path,))], EvaluationSettings(**QUICK), colorizer=paint
    )
    (result,) = run(job, events.append).sets
    assert (result.images, result.left_out) == (1, 2)
    (notice,) = [event.text for event in events if isinstance(event, Notice)]
    assert "broken.jpg is left out" in notice


def test_a_set_without_colour_is_refused(model: Model) -> None:
    gray = [np.repeat(image[..., :1], 3, axis=-1) for image in images(2)]
    with pytest.raises(InputError, match="colour images in the set grays"):
        evaluated(model, [ImageSet("grays", tuple(gray))])


def test_a_set_without_colour_costs_no_other_set(model: Model) -> None:
    gray = [np.repeat(image[..., :1], 3, axis=-1) for image in images(2)]
    events: list[Event] = []
    sets = [ImageSet("good", tuple(images(2))), ImageSet("grays", tuple(gray))]
    job = evaluate_job(model, sets, EvaluationSettings(**QUICK), colorizer=paint)
    assert [result.name for result in run(job, events.append).sets] == ["good"]
    (notice,) = [event.text for event in events if isinstance(event, Notice)]
    assert "A set is left out" in notice
    assert "grays" in notice


def test_an_image_that_cannot_be_read_costs_no_baselines(tmp_path: Path) -> None:
    Image.fromarray(images(1)[0]).save(tmp_path / "good.png")
    (tmp_path / "broken.jpg").write_bytes(b"not a picture")
    events: list[Event] = []
    found = run(fit_baselines_job([tmp_path], name="some"), events.append)
    assert found.fitted_on == "1 of the 2 images of some"
    assert any(isinstance(event, Notice) and "broken.jpg" in event.text for event in events)


@pytest.mark.parametrize(
    "settings", [{"size": 8}, {"size": "huge"}, {"hints": -1}, {"limit": 0}, {"resamples": -1}]
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(settings))):
        EvaluationSettings(**settings)


def test_reports_say_the_same_as_the_numbers(model: Model) -> None:
    found = evaluate_numbers(model)
    psnr = found.sets[0].methods["gray"]["psnr"].value
    values = json.loads(found.to_json())
    assert values["sets"][0]["methods"]["gray"]["psnr"]["value"] == psnr
    assert values["model"]["name"] == "tiny"
    text = to_markdown(found)
    assert "# tiny 1" in text
    assert f"{psnr:.2f}" in text
    assert "CDC" in text
    page = to_html(found)
    assert f"{psnr:.2f}" in page
    assert page.count("data:image/jpeg;base64,") == 3 + 2  # examples and failures
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)


def test_hostile_names_stay_text_in_the_report(model: Model) -> None:
    page = to_html(evaluated(model, [ImageSet("<script>alert(1)</script>", tuple(images(1)))]))
    assert "<script>" not in page


def evaluate_numbers(model: Model) -> Evaluation:
    frames = ImageSet("frames", (np.stack(images(5)),), is_sequence=True)
    return evaluated(model, [frames], examples=3, failures=2)


def test_python_takes_arrays_files_and_named_sets(model: Model, tmp_path: Path) -> None:
    Image.fromarray(images(1)[0]).save(tmp_path / "one.png")
    events: list[Event] = []
    found = evaluate(
        model,
        {"arrays": np.stack(images(2)), "files": tmp_path},
        train=images(2),
        size=64,
        on_event=events.append,
    )
    assert [(each.name, each.images) for each in found.sets] == [("arrays", 2), ("files", 1)]
    assert set(found.sets[0].methods) == {"truth", "model", "gray", "mean_color", "lookup_table"}
    assert found.sets[0].baselines == "2 of the 2 images of the training images"
    assert sum(isinstance(event, PlaneDone) for event in events) == 5
