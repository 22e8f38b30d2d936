"""The page: shows every method without its name, and keeps each vote."""

from __future__ import annotations

import base64
import io
import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from napari_colorgan.errors import FileError, InputError
from napari_colorgan.events import Notice, run
from napari_colorgan.services.blind.page import BlindRequest, blind_page_job, key_path
from napari_colorgan.services.blind.study import Ballot, Study
from napari_colorgan.services.evaluation.settings import EvaluationSettings, ImageSet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RNG = np.random.default_rng(0)
SETTINGS = EvaluationSettings(size="full", classifier=False)


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def pictures(tmp_path: Path) -> dict[str, np.ndarray]:
    """Write three true images, and two other colorizations of them; return the truths."""
    truths = {}
    for number in range(3):
        truth = RNG.integers(0, 256, (32, 40, 3), dtype=np.uint8)
        truths[f"{number}"] = truth
        save(tmp_path / "true" / f"{number}.png", truth)
        save(tmp_path / "rival <b>" / f"{number}.png", 255 - truth)
        save(tmp_path / "another" / f"{number}.png", truth // 2)
    return truths


def request(tmp_path: Path, *results: str, truth: bool = True) -> BlindRequest:
    sets = [ImageSet("true", (tmp_path / "true",))]
    folders = [tmp_path / name for name in results]
    return BlindRequest([], folders, truth, sets, SETTINGS)


def data_of(page: str) -> Any:
    match = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert match is not None
    return json.loads(match[1])


def decode(source: str) -> np.ndarray:
    kind, _, body = source.partition(",")
    assert kind == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(body))))


def test_the_page_shows_all_and_names_none(tmp_path: Path, pictures: dict[str, np.ndarray]) -> None:
    page = tmp_path / "page.html"
    study = run(blind_page_job(request(tmp_path, "rival <b>", "another"), page))
    assert study == Study.load(key_path(page))
    assert study.methods == ("rival <b>", "another", "truth")
    text = page.read_text()
    for word in ("rival", "another", "truth"):
        assert word not in text
    # Nothing is fetched from anywhere.
    assert not re.search(r"https?://|src=\"(?!data:)", text)
    data = data_of(text)
    assert data["study"] == study.id
    for trial, shown in zip(study.trials, data["trials"], strict=True):
        truth = pictures[trial.name.removesuffix(".png")]
        expected = {"rival <b>": 255 - truth, "another": truth // 2, "truth": truth}
        assert shown.keys() == trial.candidates.keys()
        for token, source in shown.items():
            np.testing.assert_array_equal(decode(source), expected[trial.candidates[token]])


def test_an_image_without_a_result_is_left_out(
    tmp_path: Path, pictures: dict[str, np.ndarray]
) -> None:
    (tmp_path / "another" / "1.png").unlink()
    save(tmp_path / "another" / "2.png", pictures["2"][:, :20])
    job = blind_page_job(request(tmp_path, "another"), tmp_path / "page.html")
    events: list[Any] = []
    study = run(job, events.append)
    said = " ".join(event.text for event in events if isinstance(event, Notice))
    assert "none of that name" in said
    assert "with the sides of its image" in said
    assert len(study.trials) == 1


def test_problems_are_said_before_the_work(tmp_path: Path, pictures: dict[str, np.ndarray]) -> None:
    page = tmp_path / "page.html"
    with pytest.raises(InputError, match="two colorizations"):
        run(blind_page_job(request(tmp_path), page))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no image files"):
        run(blind_page_job(request(tmp_path, "empty"), page))
    assert not page.exists()
    assert not key_path(page).exists()


@pytest.fixture
def script(tmp_path: Path, pictures: dict[str, np.ndarray], qapp: object) -> Callable[[str], Any]:
    """Return a function that runs JavaScript after the page's own, on its data."""
    core = pytest.importorskip("qtpy.QtQml", reason="needs Qt's JavaScript")
    page = tmp_path / "page.html"
    run(blind_page_job(request(tmp_path, "another"), page))
    text = page.read_text()
    match = re.search(r"<script>(.*?)</script>", text, re.DOTALL)
    assert match is not None
    engine = core.QJSEngine()
    data = json.dumps(data_of(text))

    def evaluate(code: str) -> Any:
        # Strict mode ends with the script; a class of it is seen by what follows in one text.
        value = engine.evaluate(f"{match[1]}\nconst data = {data};\n(() => {{ {code} }})()")
        assert not value.isError(), value.toString()
        return json.loads(value.toString())

    return evaluate


START = "let session = new Session(data.study, data.trials, null, Math.random);"


def test_what_the_page_saves_is_read(script: Callable[[str], Any], tmp_path: Path) -> None:
    said = script(
        START
        + """session.voter = "Ada"; session.choose(0); session.choose(-1); session.choose(1);
        return JSON.stringify([session.isOver, session.ballot()]);"""
    )
    study = Study.load(key_path(tmp_path / "page.html"))
    path = tmp_path / "votes.json"
    path.write_text(json.dumps(said[1]))
    ballot = Ballot.load(path, study)
    assert said[0] is True
    assert ballot.voter.startswith("Ada ")
    assert [v.choice for v in ballot.votes].count("=") == 1
    assert len(ballot.votes) == 3


def test_scores_go_through_all_candidates(script: Callable[[str], Any], tmp_path: Path) -> None:
    said = script(
        START
        + """session.setMode("rate"); const acted = [session.choose(0), session.rate(6)];
        session.rate(4); session.back(); session.rate(5); session.rate(2);
        return JSON.stringify([acted, session.done, session.position, session.ballot()]);"""
    )
    assert said[:3] == [[False, False], 1, 1]
    (vote,) = said[3]["votes"]
    assert [vote["ratings"][token] for token in vote["shown"]] == [5, 2]


def test_it_goes_on_where_it_was_left(script: Callable[[str], Any]) -> None:
    said = script(
        START
        + """session.choose(1); session.choose(0);
        const again = new Session(data.study, data.trials,
            JSON.parse(JSON.stringify(session.state())), Math.random);
        const other = new Session("another", data.trials, session.state(), Math.random);
        const same = again.order.join() === session.order.join();
        return JSON.stringify([again.position, again.done, same,
            again.token === session.token, other.done]);"""
    )
    assert said == [2, 2, True, True, 0]


def test_skipped_images_come_again(script: Callable[[str], Any]) -> None:
    said = script(
        START
        + """session.next(); session.choose(0); session.choose(0);
        const open = session.position; session.back(); session.choose(1);
        return JSON.stringify([open, session.isOver, session.done]);"""
    )
    assert said == [0, True, 3]


def test_orders_are_random(script: Callable[[str], Any]) -> None:
    said = script(
        """const seen = new Set(), sides = new Set();
        for (let i = 0; i < 200; i++) {
          const s = new Session(data.study, data.trials, null, Math.random);
          seen.add(s.order.join()); sides.add(s.shown[0].join());
        }
        return JSON.stringify([seen.size, sides.size]);"""
    )
    assert said == [6, 2]


def test_a_page_that_cannot_be_written_is_said(
    tmp_path: Path, pictures: dict[str, np.ndarray]
) -> None:
    with pytest.raises(FileError):
        run(blind_page_job(request(tmp_path, "another"), tmp_path / "no folder" / "page.html"))
