# The verb for use from Julia.

"""
What came out of a simulation: `t` (T), states `y` (S, T) named by `states`, how it ended.
"""
struct Solution
    t::Vector{Float64}
    y::Matrix{Float64}
    states::Vector{String}
    status::Status
    n_steps::Int
end

"The state variable `name` over time; the voltage is \"v\"."
Base.getindex(solution::Solution, name::AbstractString) = solution.y[findfirst(
    ==(choose("state", name, solution.states)), solution.states), :]

Base.show(io::IO, s::Solution) = print(io, "Solution(", join(s.states, " "), "; ", length(s.t),
    " samples, ", s.n_steps, " steps, ", s.status, ")")

"Samples every `saveat` ms, or at the times `saveat`."
sample_times(saveat::Real, t_end) = collect(0.0:saveat:t_end)
sample_times(saveat::AbstractVector, t_end) = Vector{Float64}(saveat)

"""
    simulate(neuron, clamp; saveat=0.05, theta=neuron.theta, y0=nothing, solver="auto", …)

Solve a neuron under a clamp. `y0` (S) is in the order of `neuron.system.states`; without it the
neuron starts at its `v_rest` with the gates at their steady state. Further keywords are those of
`Options`: `rtol`, `atol`, `v_scale`, `max_steps`, `dt_max`.
"""
function simulate(
    neuron::Neuron, clamp::Clamp; saveat=0.05, theta=neuron.theta, y0=nothing, options...
)
    times, n = sample_times(saveat, clamp.t_end), n_states(neuron.system)
    y, status, stats = zeros(n, length(times), 1), zeros(Int, 1), zeros(Int, 3, 1)
    start = y0 === nothing ? zeros(n, 0) : reshape(Vector{Float64}(y0), n, 1)
    solve!(y, status, stats, neuron.system, Protocols([clamp]), reshape(theta, :, 1), start, times,
        Options(; options...), [0x00])
    return Solution(times, y[:, :, 1], neuron.system.states, Status(status[1]), stats[1, 1])
end

"""
    ionic_current(neuron, solution; theta=neuron.theta)

The sum of the ionic currents along a solution (the unit of the neuron, outward positive): what a voltage clamp
measures.
"""
function ionic_current(neuron::Neuron, solution::Solution; theta=neuron.theta)
    model = bind!(Model{Float64}(neuron.system), theta)
    return [ionic_current(model, @view solution.y[:, i]) for i in eachindex(solution.t)]
end
