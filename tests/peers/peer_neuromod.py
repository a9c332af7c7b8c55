"""neuromod: every workload, with the command line and the JSON of the peers' scripts."""

import json

from common import command_line, numbers

arguments = command_line([*numbers.WORKLOADS, "microcircuit"])

from neuromod.bench.microcircuit import measure_microcircuit  # noqa: E402
from neuromod.bench.numbers import Options  # noqa: E402
from neuromod.bench.workloads import run_workload  # noqa: E402  after the environment is set

options = Options(
    scale=arguments.scale,
    threads=arguments.threads,
    seed=arguments.seed,
    duration=arguments.t,
    in_degree=arguments.indegree,
    delay=arguments.delay,
    dc=arguments.dc,
)
if arguments.workload == "microcircuit":
    record = measure_microcircuit(options)
else:
    record = run_workload(arguments.workload, options)
print(json.dumps(record), flush=True)
