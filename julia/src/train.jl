# Training from Julia: AdamW on chosen parameters. The Python package's stages, schedules and
# checkpoints sit on the same `loss_and_gradient!`.

"""
    Recording(t, clamp; v) or Recording(t, clamp; current)

What was measured under a clamp: the voltage (mV) in current clamp, the current in voltage clamp.
"""
struct Recording{C<:Clamp}
    t::Vector{Float64}
    clamp::C
    data::Vector{Float64}
end

Recording(t, clamp::CurrentClamp; v) = checked_recording(t, clamp, v)
Recording(t, clamp::VoltageClamp; current) = checked_recording(t, clamp, current)

function checked_recording(t, clamp, data)
    length(t) == length(data) || throw(InputError(
        "Recording: $(length(t)) times and $(length(data)) samples"))
    issorted(t; lt=<=) && first(t) >= 0 && all(isfinite, data) || throw(InputError(
        "Recording: give increasing times from 0 ms on and finite samples"))
    return Recording(Vector{Float64}(t), clamp, Vector{Float64}(data))
end

"Standard deviation of what was measured, 1 where it is as good as constant."
function deviation(x)
    mean = sum(x) / length(x)
    spread = sqrt(sum(abs2, x .- mean) / length(x))
    return spread > 1e-9 * maximum(abs, x) ? spread : 1.0
end

function Recordings(system::System, recordings::AbstractVector{<:Recording})
    targets = Targets()
    for r in recordings
        n = length(r.t)
        add!(targets, r.t, r.data, fill(1 / n, n), deviation(r.data))
    end
    current = first(recordings).clamp isa VoltageClamp
    v0 = [current ? 0.0 : first(r.data) for r in recordings]
    protocols = Protocols([r.clamp for r in recordings])
    return checked(system, protocols, targets, v0, current)
end

"""
    loss_and_gradient(neuron, recordings, theta=neuron.theta; loss=Loss("mse"), options...)

Mean loss over the recordings (a vector of `Recording`, all of one clamp) and its gradient by
`theta`. A solve that fails gives Inf and a gradient of zeros.
"""
function loss_and_gradient(
    neuron::Neuron, recordings::AbstractVector{<:Recording}, theta=neuron.theta;
    loss::Loss=Loss("mse"), sensitivity="adjoint", options...,
)
    data = Recordings(neuron.system, recordings)
    n = length(recordings)
    each, gradient = zeros(n, 1), zeros(length(theta), 1)
    none = zeros(n_states(neuron.system), 0, 0)
    gradient_by!(sensitivity, each, gradient, none, zeros(Int, n, 1), zeros(Int, 3, n, 1), data,
        reshape(theta, :, 1), none, loss, Options(; options...), [0x00])
    return sum(each) / n, vec(gradient)
end

"""
    fit(neuron, recordings; parameters="networks", steps=200, rate=0.01, …)

The neuron with `parameters` (names or groups, see `select`) trained by AdamW, and the history of
the loss. The rate falls to a tenth along half a cosine; the best parameters are kept, and a step
that a solve cannot follow is undone at half the rate.
"""
function fit(
    neuron::Neuron, recordings::AbstractVector{<:Recording}; parameters="networks", steps=200,
    rate=0.01, weight_decay=0.0, loss::Loss=Loss("mse"), options...,
)
    places = select(neuron, (parameters isa AbstractString ? (parameters,) : parameters)...)
    theta, best, lowest = copy(neuron.theta), copy(neuron.theta), Inf
    mean, square = zeros(length(places)), zeros(length(places))
    history, slowed = Float64[], 1.0
    for step in 1:steps
        value, gradient = loss_and_gradient(neuron, recordings, theta; loss, options...)
        push!(history, value)
        if !isfinite(value)
            step == 1 && throw(InputError("fit: the neuron cannot be solved at its start"))
            theta, slowed = copy(best), slowed / 2
            continue
        end
        value < lowest && ((best, lowest) = (copy(theta), value))
        g = gradient[places]
        @. mean = 0.9 * mean + 0.1 * g
        @. square = 0.999 * square + 0.001 * g^2
        eta = slowed * rate * (0.1 + 0.9 * (1 + cospi(step / steps)) / 2)
        unbiased = eta / (1 - 0.9^step)
        @views @. theta[places] -= eta * weight_decay * theta[places] +
            unbiased * mean / (sqrt(square / (1 - 0.999^step)) + 1e-8)
    end
    return Neuron(neuron.system, best, neuron.entries, neuron.document), history
end
