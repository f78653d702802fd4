using HodgkinNeurons
using Test

# Packages that only some checks need: where they are not installed the checks are skipped by name.
installed(name) = Base.find_package(name) !== nothing

include("neurons.jl")

@testset "HodgkinNeurons" begin
    include("elementary.jl")
    include("documents.jl")
    include("equations.jl")
    include("tables.jl")
    include("solvers.jl")
    include("discrete.jl")
    include("gradients.jl")
    include("clamped.jl")
    include("batches.jl")
    include("blocks.jl")
    include("block_gradients.jl")
    include("derivatives.jl")
    include("variational.jl")
    include("windows.jl")
    include("programs.jl")
    include("training.jl")
    installed("Lux") ? include("lux.jl") : @info "skipped: Lux is not installed"
    installed("SciMLSensitivity") ? include("sensitivity.jl") :
        @info "skipped: SciMLSensitivity is not installed"
    installed("Aqua") ? include("aqua.jl") : @info "skipped: Aqua is not installed"
    installed("JET") ? include("jet.jl") : @info "skipped: JET is not installed"
end
