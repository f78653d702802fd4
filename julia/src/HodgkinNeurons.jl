"""
    HodgkinNeurons

Conductance-based neurons, and neural networks trained in place of what is unknown in them:
solved by DifferentialEquations.jl's methods, differentiated by an adjoint of their own.

```julia
using HodgkinNeurons
neuron = load("model.json")
clamp = CurrentClamp(Step(10.0; start=5.0, stop=45.0); t_end=50.0)
solution = simulate(neuron, clamp; saveat=0.1)
```
"""
module HodgkinNeurons

using ADTypes: AutoFiniteDiff
using ForwardDiff: ForwardDiff, Dual, partials, value
using JSON: JSON
using LinearAlgebra: LAPACKException, SingularException
using LinearSolve: SimpleLUFactorization
using OrdinaryDiffEqCore: CompositeAlgorithm, alg_order
using OrdinaryDiffEqRosenbrock: Rodas4P, Rodas5P, Rosenbrock23
using OrdinaryDiffEqTsit5: AutoTsit5, Tsit5
using PrecompileTools: @compile_workload, @setup_workload
using SHA: sha256
using SciMLBase: FullSpecialize, ODEFunction, ODEProblem, ReturnCode, init, solve, step!,
    u_modified!

const VERSION = pkgversion(@__MODULE__)

include("errors.jl")
include("names.jl")
include("elementary.jl")
include("pool.jl")
include("cubic_tables.jl")
include("program.jl")
include("structure.jl")
include("build.jl")
include("build_curves.jl")
include("tables.jl")
include("table_checks.jl")
include("model.jl")
include("functions.jl")
include("curves.jl")
include("networks.jl")
include("rates.jl")
include("currents.jl")
include("equations.jl")
include("jacobian_pullback.jl")
include("program_equations.jl")
include("program_steady.jl")
include("steady_state.jl")
include("black_box.jl")
include("stimulus.jl")
include("element.jl")
include("factor.jl")
include("tableaus.jl")
include("tape.jl")
include("voltage_steps.jl")
include("solvers.jl")
include("explicit.jl")
include("adjoint.jl")
include("losses.jl")
include("spike_times.jl")
include("ends.jl")
include("batch.jl")
include("recordings.jl")
include("vectorized.jl")
include("arena.jl")
include("block_elementary.jl")
include("block.jl")
include("block_equations.jl")
include("block_networks.jl")
include("block_pullback.jl")
include("block_functions.jl")
include("block_network_pullback.jl")
include("block_jacobian.jl")
include("block_network_jacobian.jl")
include("block_steps.jl")
include("block_rosenbrock.jl")
include("block_batch.jl")
include("block_solve.jl")
include("block_tape.jl")
include("block_adjoint.jl")
include("block_gradient.jl")
include("batch_gradient.jl")
include("clamped_rates.jl")
include("clamped.jl")
include("document.jl")
include("protocols.jl")
include("simulate.jl")
include("train.jl")
include("flat.jl")
include("lux.jl")
include("forward.jl")
include("sensitivity.jl")
include("derivatives.jl")
include("weight_directions.jl")
include("variational.jl")
include("gate_sensitivities.jl")
include("precompile.jl")

export CurrentClamp, InputError, Loss, Neuron, Options, Recording, Sampled, Status, Step, Steps,
    VoltageClamp, fit, ionic_current, load, lux_chain, loss_and_gradient, select, simulate

end
