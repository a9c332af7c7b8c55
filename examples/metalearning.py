"""Learning how to learn: Schweighofer & Doya (2003), Neural Networks 16:5.

A ring of four states. Left brings 1 a step but costs r2 where the ring closes; right costs 1 a step and brings r2
there. A Q-learner's rate (acetylcholine), inverse temperature beta (norepinephrine) and discount gamma (serotonin)
each have a base value and noise, redrawn every 100 steps; a base moves with its noise while reward runs above its
long average. At step 20,000 of 40,000 r2 grows from 2 to 6, and only a patient learner gains by it: the best mean
reward is then (6 - 3) / 4 = 0.75. All learners run at once; figures are medians over them.

Width of the noise (1) and rate of the bases (0.03) are ours. Sarazin et al.'s replication found the paper's outcome
fragile, and so do we: with its 8 states and r2 = 12 most of our learners never notice that patience has come to pay.
"""

import numpy as np

STATES, SMALL, LARGE, STEPS, LEARNERS = 4, 2.0, 6.0, 40_000, 32
TAU, REDRAW, WIDTH, RATE = 100.0, 100, 1.0, 0.03
BEST = (LARGE - (STATES - 1)) / STATES


def logit(part: float) -> float:
    return float(np.log(part / (1.0 - part)))


def logistic(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(x, -500.0, 500.0)))


def run(beta: float, gamma: float, meta: bool, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """(mean reward of each learner in the last 5,000 steps; gamma of each at the end)."""
    rng, each = np.random.default_rng(seed), np.arange(LEARNERS)
    base = np.repeat([[logit(0.1)], [np.log(beta)], [logit(gamma)]], LEARNERS, axis=1)
    q, state = np.zeros((LEARNERS, STATES, 2)), np.zeros(LEARNERS, dtype=int)
    short, long, late = (np.zeros(LEARNERS) for _ in range(3))
    for step in range(STEPS):
        if step % REDRAW == 0:
            noise = rng.normal(0.0, WIDTH * meta, base.shape)
            alpha, discount = logistic(base[0] + noise[0]), logistic(base[2] + noise[2])
            inverse_temperature = np.exp(base[1] + noise[1])
        r2 = SMALL if step < STEPS // 2 else LARGE
        mine = q[each, state]
        right = (rng.random(LEARNERS) < logistic(inverse_temperature * (mine[:, 1] - mine[:, 0]))).astype(int)
        closes = state == np.where(right, STATES - 1, 0)
        reward = np.where(right, np.where(closes, r2, -1.0), np.where(closes, -r2, 1.0))
        after = (state + 2 * right - 1) % STATES
        error = reward + discount * q[each, after].max(axis=1) - mine[each, right]
        q[each, state, right] += alpha * error
        state = after
        short += (reward - short) / TAU
        long += (short - long) / TAU
        base += RATE * (short - long) * noise
        late += reward * (step >= STEPS - 5000) / 5000.0
    return late, logistic(base[2])


print(f"best mean reward {BEST:.2f}\nbeta  gamma  bases   reward (quartiles)      gamma at the end")
for beta, gamma in ((1.0, 0.99), (10.0, 0.5), (1.0, 0.5)):
    for meta in (False, True):
        reward, discount = run(beta, gamma, meta)
        low, median, high = np.percentile(reward, [25, 50, 75])
        name = "learn" if meta else "fixed"
        spread = f"{median:5.2f} ({low:5.2f} to {high:5.2f})"
        print(f"{beta:4.0f}  {gamma:5.2f}  {name}   {spread}   {np.median(discount):8.3f}")
        if meta:
            assert median > 0.9 * BEST
            assert np.median(discount) > 0.9
        elif gamma == 0.5:
            assert median < 0.5 * BEST
