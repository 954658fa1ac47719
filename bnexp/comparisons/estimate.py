"""How long a ledger will take, by the CPU-seconds that each comparison states."""

from collections.abc import Sequence

from bnexp.comparisons.course import Course
from bnexp.cores import cores
from bnexp.report.labels import plural


def announcement(courses: Sequence[Course], workers: int | None) -> str:
    """What will run, and about how long it takes if nothing is done yet."""
    if not courses:
        return "Nothing was chosen."
    setting = courses[0].setting
    training = [one for one in courses if one.sweep or one.fixed]
    text = f"{plural(len(courses), 'comparison')} on {setting.data}, preset {setting.preset}"
    if not training:
        return text
    text += f": {setting.budget}"
    if setting.max_steps is not None:  # costs are of whole runs
        return text
    unknown = [one.comparison.id for one in training if one.comparison.cost is None]
    least, most = (
        sum(cost(one, last) for one in training) / (workers or cores()) for last in (False, True)
    )
    if len(unknown) < len(training):
        span = _time(least) if most < 1.1 * least else f"{_time(least)} to {_time(most)}"
        text += f"; about {span} from nothing on {workers or cores()} workers"
        text += f", without {', '.join(unknown)}" if unknown else ""
    return text


def cost(course: Course, last: bool) -> float:
    """CPU-seconds of a comparison with its first, or its last, number of judged seeds.

    The stated cost of a seed is divided evenly among its cells; pilots run some of them.
    """
    one, setting = course.comparison, course.setting
    if one.cost is None:
        return 0.0
    judged = (setting.most(one) if last else setting.first(one)) - len(course.published.seeds)
    pilots = 0.0
    if one.has_pilots and course.choices is None:
        cells = len(course.fixed) + 2 * len(one.choose) + 14 * len(one.search)
        pilots = len(course.pilots) * (len(course.sweep) + len(course.fixed)) / cells
    return one.cost * float(setting.dataset.get("pace", 1)) * (max(judged, 0) + pilots)


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
