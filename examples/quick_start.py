"""Quick start: a network of two areas learns faster after a reward, because dopamine gates its plasticity."""

from neuromod import BrainModel, LevelMonitor, Simulation, SpikeMonitor, create_neuromodulation_system

model = BrainModel(config_path="brain_base_model.json")
neuromod = create_neuromodulation_system(model.config["neuromodulation"])
sim = Simulation(model, seed=42, neuromodulation=neuromod)
ids = sim.initialize_neurons(area_names=["V1_like", "A1_like"], density=0.1)
n_synapses = sim.initialize_random_synapses(connection_probability=0.1)
spikes, levels = SpikeMonitor(sim), LevelMonitor(sim)

sim.run(200)
error = neuromod.process_reward(reward=1.0, expected_reward=0.0)  # better than expected
dopamine = neuromod.dopamine.state.level
multiplier = neuromod.dopamine.get_learning_rate_multiplier()
run = sim.run(200)  # the core applies and decays the levels in every step

print(f"{len(ids):,} neurons, {n_synapses:,} synapses, {spikes.count:,} spikes, {run['mean_rate']:.2f} Hz")
print(f"prediction error {error}, dopamine {dopamine:.2f}, learning rate x {multiplier:.2f}")
print(f"dopamine 200 steps later: {levels.values[-1, 0]:.3f}; digest {sim.digest()[:16]}")

assert len(ids) == 1600
assert error == 1.0
assert abs(dopamine - 0.9) < 1e-12
assert abs(multiplier - 1.8) < 1e-12
assert abs(levels.values[-1, 0] - neuromod.dopamine.state.baseline) < 1e-6
assert spikes.count > 0
