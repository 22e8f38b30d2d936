"""The best model of a run: measured on held-out pictures, and kept on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_colorgan.training.run_folder.checkpoint import Progress, load_weights, save_checkpoint

if TYPE_CHECKING:
    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.processes import Processes
    from napari_colorgan.training.run_folder.directory import RunDirectory
    from napari_colorgan.training.validation import Validator


class BestModel:
    """Measures weights on held-out pictures and keeps the best on disk.

    Parameters
    ----------
    config : TrainingConfig
        Its `score` and `patience`.
    validator : Validator or None
        Measures in the main process; without one the last weights count as the best.
    run : RunDirectory
        Where the best weights are kept.
    processes : Processes
        Those that receive the main process's measurement.
    """

    def __init__(
        self,
        config: TrainingConfig,
        validator: Validator | None,
        run: RunDirectory,
        processes: Processes,
    ) -> None:
        self._config = config
        self._validator = validator
        self._run = run
        self._processes = processes

    def begin_phase(self, kind: str, progress: Progress, generators: tuple[Generator, ...]) -> None:
        """Forget scores that the new phase must not be compared with, and load the best weights.

        An adversarial phase improves what the score doesn't measure: L1 and PSNR favour the
        grayer predictions of the phase before it, whose weights would always be kept. Hint
        propagation is scored with hints, which isn't comparable with the score of any other
        phase. It trains on the network as it will be used, so that it begins with the best
        weights, as do closed-form phases and the phase after one.

        Parameters
        ----------
        kind : str
            The phase's kind.
        progress : Progress
            Of the run; changed in place.
        generators : tuple of Generator
            Those that train, and their averages.
        """
        progress.waited = 0
        previous = self._config.phases[progress.phase - 1].kind if progress.phase else ""
        has_best = progress.best_score is not None
        if kind == "hint_propagation" or (has_best and "closed_form" in (kind, previous)):
            for generator in generators:
                self.load_best(generator)
        if kind in ("adversarial", "hint_propagation") or previous == "hint_propagation":
            progress.best_score = None

    def consider(
        self, generator: Generator, progress: Progress, kind: str
    ) -> tuple[dict[str, float], bool]:
        """Measure the generator, and keep its weights if they are the best so far.

        Parameters
        ----------
        generator : Generator
            In evaluation mode.
        progress : Progress
            Its `best_score` and `waited` are brought up to date.
        kind : str
            The phase's.

        Returns
        -------
        metrics : dict
            Empty without a validator.
        is_best : bool
            Whether its weights were kept.
        """
        metrics = self.measure(generator)
        is_best = True
        if metrics:
            # Without hints, hint propagation changes nothing, and all scores would be equal.
            value = score(metrics, "hinted" if kind == "hint_propagation" else self._config.score)
            is_best = progress.best_score is None or value > progress.best_score
            progress.waited = 0 if is_best else progress.waited + 1
            progress.best_score = value if is_best else progress.best_score
        # Without a validator every state counts as the best, so that the last one is kept.
        if is_best and self._processes.is_main_process:
            save_checkpoint(self._run.best, {"average": generator}, {}, progress)
        return metrics, is_best

    def measure(self, generator: Generator) -> dict[str, float]:
        """Return the metrics that the main process's validator measures.

        Parameters
        ----------
        generator : Generator
            In evaluation mode.
        """
        validator = self._validator
        return self._processes.broadcast(
            lambda: {} if validator is None else validator.measure(generator)
        )

    def preview(self, generator: Generator, progress: Progress) -> str | None:
        """Write a picture of the generator's predictions and return its path, if there is one.

        Parameters
        ----------
        generator : Generator
            In evaluation mode.
        progress : Progress
            Whose step names the file.

        Returns
        -------
        str or None
            Where the picture is.
        """
        if self._validator is None:
            return None
        picture = self._validator.preview(generator).numpy()
        return str(self._run.write_preview(progress.total_steps, picture))

    def load_best(self, generator: Generator) -> None:
        """Load the best weights, if there are any yet.

        Parameters
        ----------
        generator : Generator
            Changed in place.
        """
        if self._run.best.exists():
            load_weights(self._run.best, "average", generator)

    def should_stop_early(self, progress: Progress, kind: str) -> bool:
        """Return whether a phase has had `patience` validations without a better score.

        Never while the discriminator is trained alone: the score is the generator's.

        Parameters
        ----------
        progress : Progress
            Counts validations without a better score.
        kind : str
            The phase's kind.
        """
        return kind != "discriminator" and 0 < self._config.patience <= progress.waited


def score(metrics_by_name: dict[str, float], kind: str) -> float:
    """Return the score by which the best checkpoint is chosen; higher is better.

    Parameters
    ----------
    metrics_by_name : dict
        What `Validator.measure` returned.
    kind : {"l1", "psnr", "balanced", "matched", "hinted"}
        Minus L1; PSNR; PSNR minus 10 dB times the shortfall of colorfulness below three quarters
        of the truth's, since PSNR alone prefers gray; PSNR at the truth's colorfulness, which
        neither dull nor vivid colours can buy; or PSNR with hints.
    """
    if kind in ("hinted", "matched"):
        return metrics_by_name[f"{kind}_psnr"]
    if kind == "l1":
        return -metrics_by_name["l1"]
    shortfall = max(0.0, 0.75 - metrics_by_name["colorfulness_share"])
    return metrics_by_name["psnr"] - (10.0 * shortfall if kind == "balanced" else 0.0)
