using Aqua: Aqua
@testset "Aqua" begin
    # Two solver packages are loaded only when one of their methods is asked for.
    later = [:OrdinaryDiffEqBDF, :OrdinaryDiffEqSDIRK, :OrdinaryDiffEqVerner]
    Aqua.test_all(HodgkinNeurons; stale_deps=(ignore=later,), persistent_tasks=false)
end
