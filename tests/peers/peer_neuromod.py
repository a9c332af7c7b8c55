"""neuromod: every workload, with the command line and the JSON of the peers' scripts."""

import json

from common import command_line, numbers

arguments = command_line(list(numbers.WORKLOADS))

from neuromod.bench.command import run_workload  # noqa: E402  after the environment is set
from neuromod.bench.numbers import Options  # noqa: E402

options = Options(
    scale=arguments.scale,
    threads=arguments.threads,
    seed=arguments.seed,
    duration=arguments.t,
    in_degree=arguments.indegree,
    delay=arguments.delay,
)
print(json.dumps(run_workload(arguments.workload, options)), flush=True)
