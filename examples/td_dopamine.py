"""Dopamine as a prediction error: from the reward to the cue, and a dip where a reward is missed.

A light comes at step 5, a reward of 1 at step 15. A TD critic with a tapped delay line (Montague, Dayan & Sejnowski
1996, doi:10.1523/JNEUROSCI.16-05-01936.1996) learns to expect it, and dopamine follows its error as in Schultz,
Dayan & Montague (1997), Science 275:1593. With matplotlib the errors are drawn to ``td_dopamine.png``.
"""

import numpy as np

from neuromod import NeuromodulationSystem, RescorlaWagner, TDCritic

CUE, REWARD, N_STEPS = 5, 15, 25
TASK = ({"light": CUE}, {REWARD: 1.0}, N_STEPS)


def trials(learning_rate: float, discount: float, n: int) -> tuple[TDCritic, np.ndarray]:
    """The critic after n trials, and the errors, shape (n, N_STEPS)."""
    critic = TDCritic(learning_rate, discount)
    return critic, np.array([critic.trial(*TASK) for _ in range(n)])


_, errors = trials(0.3, 1.0, 400)
print("trial   error at the light   at the reward")
for trial in (1, 10, 14, 30, 59, 400):
    print(f"{trial:5d}   {errors[trial - 1, CUE]:18.6f}   {errors[trial - 1, REWARD]:13.6f}")
assert errors[0, REWARD] == 1.0
assert 1 + np.argmax(errors[:, REWARD] < 0.01) == 14  # the first trial
assert round(errors[29, CUE], 6) == 0.364004
assert 1 + np.argmax(errors[:, CUE] >= 0.99) == 59

_, errors = trials(0.1, 0.98, 100)
print("slower, with discount 0.98:")
print(f"at the reward {errors[9, REWARD]:.6f} (trial 10), {errors[29, REWARD]:.6f} (30)")
print(f"at the light {errors[99, CUE]:.6f} (trial 100)")
assert errors[[9, 29], REWARD].round(6).tolist() == [0.387420, 0.047101]
assert round(errors[99, CUE], 6) == 0.437562

critic, errors = trials(0.3, 0.98, 400)
omitted = critic.trial({"light": CUE}, {}, N_STEPS, learn=False)
early = critic.trial({"light": CUE}, {REWARD - 1: 1.0}, N_STEPS, learn=False)
print(f"learned: at the light {errors[-1, CUE]:.6f}; a reward missed {omitted[REWARD]:+.6f}")
print(f"a reward one step early {early[REWARD - 1]:+.6f}, then {early[REWARD]:+.6f}")
assert abs(errors[-1, CUE] - 0.98**10) < 1e-12
assert abs(omitted[REWARD] + 1.0) < 1e-12
assert np.abs(np.delete(omitted, [CUE, REWARD])).max() < 1e-12
# V is 0.98 one step before the last, so the early reward surprises by 1 + 0.98 V(14) - V(13) = 1.
assert np.allclose(early[[REWARD - 1, REWARD]], [1.0, -1.0], atol=1e-12)

for _ in range(400):
    critic.trial({"light": CUE, "tone": CUE}, {REWARD: 1.0}, N_STEPS)
blocked = critic.trial({"tone": CUE}, {}, N_STEPS, learn=False)[CUE]
print(f"a tone beside the learned light is blocked: {abs(blocked):.6f}")
assert abs(blocked) < 1e-12

# A real system: its level at the light, at the reward and at its omission, before learning and after.
system = NeuromodulationSystem()
bell = RescorlaWagner(learning_rate=0.3)
levels = []
for _ in range(30):
    bell.reward(system, "bell", 1.0)
    levels.append(system.dopamine.state.level)
bell.reward(system, "bell", 0.0)
print(
    f"dopamine at a reward {levels[0]:.3f}, expected {levels[-1]:.3f}, missed {system.dopamine.state.level:.3f}"
)
assert levels[0] == 0.9 and abs(levels[-1] - 0.5) < 1e-3 and abs(system.dopamine.state.level - 0.1) < 1e-3

try:
    from matplotlib.figure import Figure
except ImportError:
    print("no matplotlib, no figure")
else:
    figure = Figure(figsize=(6, 5), layout="constrained")
    for axis, (title, row) in zip(
        figure.subplots(3, sharex=True, sharey=True),
        {"first trial": errors[0], "learned": errors[-1], "learned, reward missed": omitted}.items(),
        strict=True,
    ):
        axis.bar(np.arange(N_STEPS), row, color="#D55E00")
        axis.set(title=title, ylabel="error")
    axis.set_xlabel("step: light at 5, reward at 15")
    figure.savefig("td_dopamine.png")
