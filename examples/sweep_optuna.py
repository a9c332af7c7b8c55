"""The current that makes a population fire at 20 Hz, found by Optuna."""

import neuromod


def distance(current, weight, seed):
    """Distance of the rate from 20 Hz."""
    sim = neuromod.Simulation(seed=seed)
    sim.create(100, "lif", i_offset=current, drive={"rate": 1000.0, "weight": weight})  # mV, Hz, mV
    return abs(sim.run(ms=300)["mean_rate"] - 20.0)


if __name__ == "__main__":
    try:
        import optuna
    except ModuleNotFoundError:
        print('needs Optuna: pip install "neuromod-snn[optuna]", in a clone pip install ".[optuna]"')
        optuna = None
    if optuna is not None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=1))
        goal = neuromod.objective(distance, {"current": (0.0, 30.0), "weight": (0.1, 1.0, "log")}, seeds=2)
        study.optimize(goal, n_trials=40)
        print(f"{study.best_params}: {study.best_value:.2f} Hz from 20 Hz")
        assert study.best_value < 1.5
