"""The main job: process pending stills until none is left, and go on with new ones where that is asked."""

from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.backlog import take_stock
from biosense_pipeline.store.stills.claims import Claims, Released
from biosense_pipeline.workflows.pipeline import Pipeline
from biosense_pipeline.workflows.report import DrainReport, Progress
from biosense_pipeline.workflows.workbench import Workbench

#: Seconds between two looks for new stills, or for stills that another process holds.
_POLL_SECONDS = 0.5


def drain(
    bench: Workbench, scope: Scope, *, follow: bool = False, on_progress: Progress = lambda report: None
) -> DrainReport:
    """Process every still of the scope that is pending now, and wait for those another process holds.

    Args:
        scope: the stills to process.
        follow: go on with newer stills of the scope until none has come for ``idle_seconds``, at most
            for ``follow_seconds``; those that were there at that time are still finished.
        on_progress: called after every commit with the report so far.
    """
    return _Drain(bench, scope, on_progress).run(follow)


class _Drain:
    def __init__(self, bench: Workbench, scope: Scope, on_progress: Progress) -> None:
        self._bench = bench
        self._scope = scope
        settings = bench.settings
        self._claims = Claims(bench.database, settings.lease_seconds, settings.max_attempts)
        self._report = DrainReport()
        self._pipeline = Pipeline(bench, self._claims, self._report, on_progress)
        self._released_at = 0.0

    def run(self, follow: bool) -> DrainReport:
        begin = self._bench.monotonic()
        self._release()
        self._report.stock = take_stock(self._bench.database, self._scope)
        highest_id = self._report.stock.highest_id
        if follow:
            self._follow(begin + self._bench.settings.follow_seconds)
            highest_id = take_stock(self._bench.database, self._scope).highest_id
        self._finish(self._scope.up_to(highest_id))
        self._report.seconds = self._bench.monotonic() - begin
        return self._report

    def _follow(self, deadline: float) -> None:
        """Take stills as they come, until a pause or the deadline."""
        settings = self._bench.settings

        def may_claim() -> bool:
            now = self._bench.monotonic()
            if now - self._released_at >= settings.lease_seconds:
                self._release()
            return now < deadline

        last_work = self._bench.monotonic()
        while may_claim():
            if self._pipeline.run(self._scope, may_claim):
                last_work = self._bench.monotonic()
            elif self._bench.monotonic() - last_work >= settings.idle_seconds:
                return
            else:
                self._bench.heartbeat()
                self._bench.sleep(_POLL_SECONDS)

    def _finish(self, stock: Scope) -> None:
        """Process what is left of the stock; wait for what others hold, and take it over if they die."""
        while True:
            if self._pipeline.run(stock):
                continue
            if not self._claims.held_elsewhere(stock):
                return
            self._bench.heartbeat()
            self._bench.sleep(_POLL_SECONDS)
            self._release()

    def _release(self) -> None:
        self._released_at = self._bench.monotonic()
        released = self._claims.release_expired(self._scope)
        before = self._report.released
        self._report.released = Released(before.returned + released.returned, before.failed + released.failed)
