"""A line whose button cleans up: removes what is no longer kept, and gives its room on the disk back."""

from collections.abc import Awaitable, Callable

from app.focus import pause
from app.known_errors import KNOWN_ERRORS
from app.pages.settings_parts.section import SectionView
from app.translation import tr
from app.widgets import PushButton
from app.work import Job
from gateway import Cleaned


class CleaningUp:
    """In a section's group of that `heading`. `told` says what became of it; None is one that was ended. `after` is
    awaited then."""

    def __init__(
        self,
        section: SectionView,
        heading: str,
        title: str,
        words: str,
        button: PushButton,
        told: Callable[[Cleaned | None], str],
        after: Callable[[], Awaitable[None]],
    ) -> None:
        self._section = section
        self._told = told
        self._after = after
        self.button = button
        self.line = section.add_line(heading, title, words, button)
        button.clicked.connect(lambda: section.context.spawn(self.run()))

    async def run(self) -> None:
        """As long work, which can be ended."""
        context, resume = self._section.context, pause(self.button)
        self.line.show_problem("")

        async def work(job: Job) -> Cleaned:
            if context.gateway.cleaning_up:
                job.waits = tr("Waits for the clean-up that runs already …")
            return await context.gateway.clean_up(job.told)

        try:
            cleaned = await context.shell.work.run(tr("Cleaning up"), tr("entries"), work)
            self._section.toast.emit(self._told(cleaned))
            await self._after()
        except KNOWN_ERRORS as error:
            self.line.show_problem(str(error))
        finally:
            resume()
