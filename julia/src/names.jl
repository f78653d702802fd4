# Names that Julia and Python both know: one list of them, which Python reads, too.

const NAMES_FILE = joinpath(@__DIR__, "names.json")
include_dependency(NAMES_FILE)

names_of(kind) = Tuple(String(name) for name in JSON.parsefile(NAMES_FILE)[kind])

const SOLVERS = names_of("solvers")
const SENSITIVITIES = names_of("sensitivities")
