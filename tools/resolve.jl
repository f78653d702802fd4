# Prints the newest versions that a project admits, one "Name version" a line, from the registries of
# the depot alone: nothing is downloaded, installed or written. Called by resolve_julia.py.
import Pkg

function newest(project::String)
    env = Pkg.Types.EnvCache(project)
    registries = Pkg.Registry.reachable_registries()
    isempty(registries) && error("the depot $(first(DEPOT_PATH)) holds no registry")
    wanted = Pkg.Operations.load_direct_deps(env)
    for package in wanted
        package.version = Pkg.Types.VersionSpec()
    end
    Pkg.Operations.resolve_versions!(env, registries, wanted, VERSION, false)
    # Standard libraries come with Julia, in whatever version it has.
    kept = filter(p -> p.version isa VersionNumber && !Pkg.Types.is_stdlib(p.uuid), wanted)
    return sort!([(p.name, p.version) for p in kept])
end

println("julia ", VERSION.major, ".", VERSION.minor)
foreach(((name, version),) -> println(name, " ", version), newest(only(ARGS)))
