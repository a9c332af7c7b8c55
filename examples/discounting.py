"""Serotonin as patience, norepinephrine as resolve: Doya's reading of the modulators (2002).

Dopamine is the prediction error of a TD critic, serotonin its discount, norepinephrine the inverse temperature of
the choices (Doya 2002, Neural Networks 15:495, doi:10.1016/S0893-6080(02)00044-8). One lever brings 1 at once, the
other 4 after 5 more steps: the better one changes where ``gamma^5 * 4 = 1``, at gamma = 0.75786.
"""

import numpy as np

from neuromod import NeuromodulationSystem, TDCritic

SMALL, LARGE, WAIT = 1.0, 4.0, 5
FLIP = (SMALL / LARGE) ** (1.0 / WAIT)


def learned(discount: float) -> tuple[float, float]:
    """Values of the two levers, (at once, later), after TD(0) has seen each often enough to be exact."""
    critic = TDCritic(learning_rate=1.0, discount=discount)
    for _ in range(WAIT + 1):  # a value moves back by one step a visit
        critic.update("at once", SMALL, terminal=True)
        for waited in range(WAIT):
            critic.update(("later", waited), 0.0, ("later", waited + 1))
        critic.update(("later", WAIT), LARGE, terminal=True)
    return critic.value("at once"), critic.value(("later", 0))


low, high = 0.0, 1.0
for _ in range(40):
    middle = (low + high) / 2.0
    now, later = learned(middle)
    low, high = (low, middle) if later > now else (middle, high)
print(f"the levers are worth the same at gamma {low:.5f}; closed form {FLIP:.5f}")
assert round(low, 5) == round(FLIP, 5) == 0.75786


def choice(values: np.ndarray, inverse_temperature: float) -> np.ndarray:
    """Softmax probabilities."""
    odds = np.exp(inverse_temperature * (values - values.max()))
    return odds / odds.sum()


system = NeuromodulationSystem()
system.serotonin.state.baseline = 0.9
print("\nserotonin = discount      value later   probability of waiting")
waiting = []
for punishment in (0.0, 0.2, 0.4, 0.6, 0.8):
    system.process_punishment(punishment)
    now, later = learned(system.serotonin.state.level)
    waiting.append(choice(np.array([now, later]), inverse_temperature=5.0)[1])
    print(f"{system.serotonin.state.level:20.2f}   {later:14.3f}   {waiting[-1]:22.3f}")
    assert (waiting[-1] > 0.5) == (system.serotonin.state.level > FLIP)
assert np.all(np.diff(waiting) < 0.0)

print("\nnorepinephrine   inverse temperature   entropy of the choice, bits")
values, entropies = np.array(learned(0.9)), []
for level in np.linspace(0.0, 1.0, 6):
    system.norepinephrine.state.level = level
    beta = system.norepinephrine.get_gain_multiplier()  # 1 + 2.22 level^2
    chances = choice(values, beta)
    entropies.append(-np.sum(chances * np.log2(chances)))
    print(f"{level:14.1f}   {beta:19.3f}   {entropies[-1]:27.4f}")
assert np.all(np.diff(entropies) < 0.0)
