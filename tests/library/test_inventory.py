"""What the folders hold, damaged files included, and which model was made from which."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from napari_colorgan.errors import ModelError
from napari_colorgan.library.card import Metric, ModelCard
from napari_colorgan.library.file_format import check_weights
from napari_colorgan.library.inventory import InventoryItem, ancestors, descendants, list_inventory
from napari_colorgan.library.pages import card_page, item_page, size_text

if TYPE_CHECKING:
    from napari_colorgan.library.store import ModelLibrary


def card(name: str, parent: str | None = None, metrics: tuple[Metric, ...] = ()) -> ModelCard:
    return ModelCard(name, "1", "A model", "tests", "", parent=parent, metrics=metrics)


def item(library: ModelLibrary, name: str) -> InventoryItem:
    return next(each for each in list_inventory(library.folders) if each.name == name)


def test_every_folder_is_there_and_damaged_files_come_last(library: ModelLibrary) -> None:
    broken = library.folders.own / "broken.colorgan.safetensors"
    broken.write_bytes(b"PK\x03\x04 this is a zip")
    found = list_inventory(library.folders)
    assert [(each.name, each.kind, each.may_change) for each in found] == [
        ("natural", "bundled", False),
        ("étude 1", "own", True),
        ("group stain", "shared", False),
        ("broken", "own", True),
    ]
    assert "zip archive" in str(found[-1].problem)
    assert found[-1].size == broken.stat().st_size


def test_an_absent_shared_folder_is_said(library: ModelLibrary, tmp_path: Path) -> None:
    folders = dataclasses.replace(library.folders, shared=tmp_path / "gone")
    last = list_inventory(folders)[-1]
    assert (last.name, last.kind, last.may_change) == ("gone", "shared", False)
    assert "can be read" in str(last.problem)


def test_the_headline_is_the_colour_difference_if_it_was_measured() -> None:
    metrics = (Metric("set", "PSNR (dB)", 25.11), Metric("set", "CIEDE2000", 8.839))
    own = InventoryItem("a", "own", None, 1, card("a", metrics=metrics))  # type: ignore[arg-type]
    assert (own.metric, own.headline) == ("ΔE00 8.84", 8.839)
    other = dataclasses.replace(own, card=card("a", metrics=metrics[:1]))
    assert (other.metric, other.headline) == ("PSNR (dB) 25.1", None)
    assert dataclasses.replace(own, card=card("a")).metric == ""
    measured = (*metrics[:1], Metric("one", "ΔE00", 11.02), Metric("two", "ΔE00", 3.0))
    bundled = dataclasses.replace(own, card=card("a", metrics=measured))
    assert (bundled.metric, bundled.headline) == ("ΔE00 11", 11.02)


def test_a_panel_shows_the_first_results_and_says_where_all_are() -> None:
    metrics = tuple(Metric(f"set {number}", "ΔE00", number) for number in range(30))
    own = InventoryItem("my stain", "own", Path("a"), 1, card("my stain", metrics=metrics))
    page = item_page(own, [own])
    assert "| set 19 |" in page
    assert "| set 20 |" not in page
    assert '… and 10 more, which `napari-colorgan models show "my stain"` prints.' in page
    assert "| set 29 |" in card_page(card("my stain", metrics=metrics))
    few = dataclasses.replace(own, card=card("my stain", metrics=metrics[:20]))
    assert "more, which" not in item_page(few, [few])


def test_parents_are_followed_to_the_first() -> None:
    library = [card("a"), card("b", "A"), card("c", "b"), card("d", "gone")]
    assert ancestors(library[2], library) == (("b", True), ("A", True))
    assert ancestors(library[3], library) == (("gone", False),)
    assert ancestors(library[0], library) == ()
    assert descendants("a", library) == ("b",)


def hashed(name: str, weights: str, parent: ModelCard | None = None) -> ModelCard:
    made_from = {} if parent is None else {"parent": parent.name, "parent_sha256": parent.sha256}
    return dataclasses.replace(card(name), sha256=weights * 64, **made_from)


def test_a_renamed_parent_is_found_by_its_weights() -> None:
    base = hashed("base", "a")
    child = hashed("child", "b", base)
    grandchild = hashed("grandchild", "c", child)
    renamed, other = dataclasses.replace(base, name="other"), hashed("base", "d")
    library = [other, grandchild, child, renamed]
    assert ancestors(grandchild, library) == (("child", True), ("other", True))
    assert descendants("other", library) == ("child",)
    # Another model of the old name is not the one it was made from.
    assert descendants("base", library) == ()
    assert ancestors(child, [child, other]) == (("base", False),)


def test_of_twins_the_one_that_is_named_is_the_parent() -> None:
    base = hashed("base", "a")
    duplicate, child = dataclasses.replace(base, name="twin"), hashed("child", "b", base)
    for library in ([duplicate, base, child], [base, duplicate, child]):
        assert ancestors(child, library) == (("base", True),)
        assert descendants("twin", library) == ()
    # A training that did not help leaves the base's own weights.
    same = hashed("same", "a", base)
    assert ancestors(same, [base, same]) == (("base", True),)
    assert ancestors(child, [same, child]) == (("base", False),)
    assert ancestors(same, [same]) == (("base", False),)


def test_models_that_name_each_other_end_the_chain() -> None:
    library = [card("a", "b"), card("b", "a")]
    assert ancestors(library[0], library) == (("b", True), ("a", True))


def test_the_page_tells_the_file_and_the_family(library: ModelLibrary) -> None:
    base = item(library, "natural")
    assert base.card is not None
    child = dataclasses.replace(
        base, name="child", kind="own", card=dataclasses.replace(base.card, name="child")
    )
    assert child.card is not None
    child = dataclasses.replace(child, card=dataclasses.replace(child.card, parent="natural"))
    page = item_page(child, [base, child])
    assert "predicted, not measured" in page
    assert "Made from: natural\n" in page
    assert str(child.path) in page
    assert page.index("## In this library") < page.index("## Facts")
    assert "Parent of: child" in item_page(base, [base, child])
    assert "natural (not in the library)" in item_page(child, [child])
    card = dataclasses.replace(child.card, parent_sha256="0" * 64)
    older = dataclasses.replace(child, card=card)
    assert "natural (another version than the library's)" in item_page(older, [base, older])


@pytest.mark.skipif(os.name != "posix", reason="~ is what shells on POSIX call it")
def test_the_page_calls_the_home_folder_by_its_short_name(
    library: ModelLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = item(library, "étude 1")
    monkeypatch.setenv("HOME", str(own.path.parent.parent))
    assert f"File: `~/{own.path.parent.name}/{own.path.name}`" in item_page(own, [own])


def test_the_page_of_a_damaged_file_says_what_to_do(library: ModelLibrary) -> None:
    (library.folders.own / "broken.colorgan.safetensors").write_bytes(b"")
    page = item_page(item(library, "broken"), ())
    assert "an empty file" in page
    assert "get it again" in page


def test_weights_are_checked_against_their_hash(library: ModelLibrary) -> None:
    path = item(library, "étude 1").path
    entry = library.find("étude 1")
    assert check_weights(path) == entry.card.sha256
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="damaged"):
        check_weights(path)
    path.unlink()
    with pytest.raises(ModelError, match="can be read"):
        check_weights(path)


def test_only_files_of_the_own_folder_are_removed(library: ModelLibrary, tmp_path: Path) -> None:
    broken = library.folders.own / "broken.colorgan.safetensors"
    broken.write_bytes(b"")
    library.delete_file(broken)
    assert not broken.exists()
    library.delete_file(broken)
    with pytest.raises(ModelError, match="your models folder"):
        library.delete_file(item(library, "group stain").path)
    assert item(library, "group stain").card is not None


def test_a_file_that_the_system_keeps_is_said(library: ModelLibrary) -> None:
    folder = library.folders.own / "folder.colorgan.safetensors"
    folder.mkdir()
    with pytest.raises(Exception, match="can be deleted"):
        library.delete_file(folder)


@pytest.mark.parametrize(
    ("size", "text"), [(0, ""), (600, "0.6 kB"), (100_000, "0.1 MB"), (8_043_190, "8.0 MB")]
)
def test_sizes_are_told_in_few_digits(size: int, text: str) -> None:
    assert size_text(size) == text
