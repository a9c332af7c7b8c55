"""A phasic burst of the locus coeruleus: Gilzenrat et al. (2002), Neural Networks 15:647.

Two decision units compete over a target and a distractor; the target's unit drives a response unit and the locus
coeruleus (LC), a FitzHugh-Nagumo oscillator whose output is norepinephrine, which is the gain of all three units.
Where LC cells fire together (coherence C = 0.95) a target sets off one burst, after which the LC is refractory; where
they do not (0.55) activity is higher throughout, and there is no burst. Units of time are the paper's; parameters
are its own but for tau_v, which it misprints as 0.5.
"""

import numpy as np

from neuromod import NorepinephrineSystem

DT, STEPS, ONSET, SEEDS = 0.02, 1000, 500, 20
NOISE, CROSS_TALK, RESPONSE_BIAS = 0.22, 0.33, 2.0
TO_RESPONSE, RESPONSE_SELF, TO_LC = 1.84, 2.0, 0.3
A, D, TAU_V, TAU_U, BASE_GAIN, SCALE = 0.5, 0.5, 0.05, 5.0, 0.5, 3.0
START = {0.95: (0.07, 0.14), 0.55: (0.2, 0.2)}  # h(v), u at the start for each coherence


def run(coherence: float, seed: int, noise: float = NOISE) -> tuple[np.ndarray, np.ndarray]:
    """LC output h(v) and the response unit's answer in each step."""
    rng = np.random.default_rng(seed)
    # The gain, G + k u, is what a norepinephrine system with these parameters does to G x.
    norepinephrine = NorepinephrineSystem(gain_modulation=SCALE / BASE_GAIN, exponent=1.0)
    h, u = START[coherence]
    v = (h - (1.0 - coherence) * D) / coherence
    decision, response = np.zeros(2), 0.0
    outputs, answers = np.empty(STEPS), np.empty(STEPS)
    for step, kick in enumerate(rng.normal(0.0, noise * np.sqrt(DT), (STEPS, 3))):
        norepinephrine.state.level = u
        f = 1.0 / (1.0 + np.exp(-norepinephrine.modulate_input(BASE_GAIN * decision)))
        answers[step] = 1.0 / (
            1.0 + np.exp(-norepinephrine.modulate_input(BASE_GAIN * (response - RESPONSE_BIAS)))
        )
        shown = np.array([1.0, CROSS_TALK]) * (step >= ONSET)
        decision = decision + DT * (shown - decision + f - f[::-1]) + kick[:2]
        response += DT * (TO_RESPONSE * f[0] + RESPONSE_SELF * answers[step] - response) + kick[2]
        v += DT / TAU_V * (v * (v - A) * (1.0 - v) - u + TO_LC * f[0])
        h = coherence * v + (1.0 - coherence) * D
        u += DT / TAU_U * (h - u)
        outputs[step] = h
    return outputs, answers


print("coherence   before the target: mean, highest   after it: highest, when   response: mean rise")
found = {}
for coherence in START:
    outputs, answers = np.transpose([run(coherence, seed) for seed in range(SEEDS)], (1, 0, 2))
    before, after = outputs[:, 100:ONSET], outputs[:, ONSET:]
    rise = answers[:, -100:].mean(axis=1) - answers[:, ONSET - 100 : ONSET].mean(axis=1)
    found[coherence] = before.mean(), before.max(), after.max(axis=1), (after > 0.5)
    when = DT * after.argmax(axis=1).mean()
    print(
        f"{coherence:9.2f}   {before.mean():23.3f}, {before.max():.3f}   {after.max(axis=1).mean():17.3f}, {when:.2f}"
        f"   {rise.mean():17.3f}"
    )
    assert rise.mean() > 0.2

(tonic_high, most_high, peaks_high, burst_high), (tonic_low, _, peaks_low, _) = found[0.95], found[0.55]
begins = ~burst_high[:, :-1] & burst_high[:, 1:]
early, late = begins[:, :300].sum(axis=1), begins[:, 300:].sum(axis=1)
print(
    f"at 0.95 one burst within 6 units of time, a second one later in {late.sum()} of {SEEDS} seeds; at 0.55 none"
)
assert most_high < 0.3 and np.all(peaks_high > 0.9) and np.all(early == 1) and late.sum() < SEEDS / 2
assert np.all(peaks_low < 0.4)
assert tonic_low > 1.4 * tonic_high
