using HodgkinNeurons, Test; installed(n)=false; using ForwardDiff; include("neurons.jl"); @testset "all" begin include("gradients.jl"); include("batches.jl"); include("solvers.jl") end
