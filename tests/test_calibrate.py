"""The tool that fits the confidence: its numbers go into the code, so its arithmetic is tested too."""

import calibrate
import numpy as np

from retrieval.evaluation import METRICS


def signals(seed: int, size: int = 60) -> tuple[calibrate.Array, calibrate.Mask]:
    """Two signals that tell answerable questions apart, on very different scales, and one that never varies."""
    generator = np.random.default_rng(seed)
    answerable = np.arange(size) < size * 3 // 4
    useful = generator.normal(size=(size, 2)) + 2.0 * answerable[:, None]
    return np.column_stack([useful[:, 0], 1000 * useful[:, 1] + 5, np.zeros(size)]), answerable


def test_the_fitted_confidence_works_on_raw_signals() -> None:
    raw, answerable = signals(0)
    fitted = calibrate.fit(raw, answerable)
    assert calibrate.shares(fitted.probability(raw), answerable, 0.5).auc > 0.95
    assert fitted.weights[0] > 0 < fitted.weights[1]
    assert fitted.weights[2] == 0
    scaled = calibrate.fit(raw * [10, 0.1, 1] + [3, -7, 4], answerable)
    np.testing.assert_allclose(scaled.probability(raw * [10, 0.1, 1] + [3, -7, 4]), fitted.probability(raw), atol=1e-6)


def test_both_classes_weigh_the_same() -> None:
    """A file with twice the course questions must not make the tool surer that a question is one."""
    raw, answerable = signals(1)
    once = calibrate.fit(raw, answerable, l2=1e-6)
    twice = calibrate.fit(
        np.concatenate([raw, raw[answerable]]), np.append(answerable, answerable[answerable]), l2=1e-6
    )
    np.testing.assert_allclose(twice.probability(raw), once.probability(raw), atol=1e-4)


def test_few_course_questions_fall_below_the_threshold() -> None:
    raw, answerable = signals(2, size=120)
    threshold = calibrate.choose_threshold(raw, answerable, seed=0)
    unseen = calibrate.unseen_shares(raw, answerable, threshold)
    assert 0 < threshold < 1
    assert unseen.course <= calibrate.WRONGLY_ABSTAINED + 0.01
    assert unseen.out_of_scope > 0.5
    assert calibrate.choose_threshold(raw, answerable, seed=0) == threshold


def test_a_setting_that_only_wins_by_chance_shows_on_the_unseen_half() -> None:
    """Settings of pure noise: the winner of a half looks good there, and average on the other."""
    noise = np.random.default_rng(0).integers(0, 2, (20, 60, 1)).astype(np.float64)
    unseen, wins = calibrate.choose_on_halves(np.repeat(noise, len(METRICS), axis=2))
    assert wins.total() == calibrate.HALVES
    assert unseen.max() < noise.mean(1).max()


def test_of_equal_settings_the_present_one_stays() -> None:
    _, wins = calibrate.choose_on_halves(np.ones((3, 10, len(METRICS))))
    assert list(wins) == [0]
