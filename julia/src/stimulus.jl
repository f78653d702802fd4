# The stimulus of an element of a batch: on start[k] <= t < start[k+1], with tau = t - start[k], it
# is offset + slope·tau + Σ_j amplitude_j sin(phase_j + omega_j tau + chirp_j tau²/2).

"""
Protocols of a batch: arrays (K, B), sinusoids (J, K, B); unused pieces start at Inf. Under
voltage clamp their value is the command (mV), else the stimulus current.
"""
struct Protocols
    clamped::Bool
    start::Matrix{Float64}
    offset::Matrix{Float64}
    slope::Matrix{Float64}
    amplitude::Array{Float64,3}
    omega::Array{Float64,3}
    chirp::Array{Float64,3}
    phase::Array{Float64,3}
end

Base.length(protocols::Protocols) = size(protocols.start, 2)

"One protocol of a batch, and the piece of it that holds now."
mutable struct StimulusCursor
    const protocols::Protocols
    const protocol::Int
    piece::Int
end

"Protocol `protocol` of a batch, at the piece that holds at t = 0."
function StimulusCursor(protocols::Protocols, protocol::Int)
    cursor = StimulusCursor(protocols, protocol, 1)
    while next_break(cursor) <= 0
        cursor.piece += 1
    end
    return cursor
end

"When the piece that holds now gives way to the next; Inf for the last one."
@inline function next_break(cursor::StimulusCursor)
    start = cursor.protocols.start
    return @inbounds cursor.piece < size(start, 1) ? start[cursor.piece + 1, cursor.protocol] : Inf
end

"Value of the protocol, its first and its second derivative at `t`, by the piece that holds."
@inline function signal(cursor::StimulusCursor, t)
    p, k, protocol = cursor.protocols, cursor.piece, cursor.protocol
    @inbounds begin
        tau = t - p.start[k, protocol]
        slope = p.slope[k, protocol]
        value = p.offset[k, protocol] + slope * tau
        bend = zero(value)
        for j in axes(p.amplitude, 1)
            omega, chirp = p.omega[j, k, protocol], p.chirp[j, k, protocol]
            speed = omega + chirp * tau
            sine, cosine = sincos(p.phase[j, k, protocol] + tau * (omega + chirp * tau / 2))
            a = p.amplitude[j, k, protocol]
            value += a * sine
            slope += a * speed * cosine
            bend += a * (chirp * cosine - speed * speed * sine)
        end
        return value, slope, bend
    end
end

@inline stimulus(cursor::StimulusCursor, t) = signal(cursor, t)[1]

"The value of the piece that holds now if that is one number, else NaN."
function level(cursor::StimulusCursor)
    p, k, protocol = cursor.protocols, cursor.piece, cursor.protocol
    constant = p.slope[k, protocol] == 0 && all(iszero, @view p.amplitude[:, k, protocol])
    return constant ? p.offset[k, protocol] : NaN
end

"Value at any `t`, by the piece that holds there; the one to the right at a breakpoint."
function value_at(protocols::Protocols, protocol::Int, t)
    starts = @view protocols.start[:, protocol]
    piece = max(searchsortedlast(starts, t), 1)
    return stimulus(StimulusCursor(protocols, protocol, piece), t)
end

"Breakpoints of a protocol inside (0, t1), increasing."
function breakpoints(protocols::Protocols, protocol::Int, t1)
    found = Float64[]
    for k in 2:size(protocols.start, 1)
        t = protocols.start[k, protocol]
        0 < t < t1 && push!(found, t)
    end
    return found
end
