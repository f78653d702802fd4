# The stimulus of a lane: on start[k] <= t < start[k+1], with tau = t - start[k], its value is
# offset + slope·tau + Σ_j amplitude_j sin(phase_j + omega_j tau + chirp_j tau²/2).

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
mutable struct Drive
    const protocols::Protocols
    const lane::Int
    piece::Int
end

"The protocol `lane`, at the piece that holds at t = 0."
function Drive(protocols::Protocols, lane::Int)
    drive = Drive(protocols, lane, 1)
    while next_break(drive) <= 0
        drive.piece += 1
    end
    return drive
end

"When the piece that holds now gives way to the next; Inf for the last one."
@inline function next_break(drive::Drive)
    start = drive.protocols.start
    return @inbounds drive.piece < size(start, 1) ? start[drive.piece + 1, drive.lane] : Inf
end

"Value of the protocol, its first and its second derivative at `t`, by the piece that holds."
@inline function signal(drive::Drive, t)
    p, k, lane = drive.protocols, drive.piece, drive.lane
    @inbounds begin
        tau = t - p.start[k, lane]
        slope = p.slope[k, lane]
        value = p.offset[k, lane] + slope * tau
        bend = zero(value)
        for j in axes(p.amplitude, 1)
            omega, chirp = p.omega[j, k, lane], p.chirp[j, k, lane]
            speed = omega + chirp * tau
            sine, cosine = sincos(p.phase[j, k, lane] + tau * (omega + chirp * tau / 2))
            a = p.amplitude[j, k, lane]
            value += a * sine
            slope += a * speed * cosine
            bend += a * (chirp * cosine - speed * speed * sine)
        end
        return value, slope, bend
    end
end

@inline stimulus(drive::Drive, t) = signal(drive, t)[1]

"The value of the piece that holds now if that is one number, else NaN."
function level(drive::Drive)
    p, k, lane = drive.protocols, drive.piece, drive.lane
    constant = p.slope[k, lane] == 0 && all(iszero, @view p.amplitude[:, k, lane])
    return constant ? p.offset[k, lane] : NaN
end

"Value at any `t`, by the piece that holds there; the one to the right at a breakpoint."
function value_at(protocols::Protocols, lane::Int, t)
    starts = @view protocols.start[:, lane]
    piece = max(searchsortedlast(starts, t), 1)
    return stimulus(Drive(protocols, lane, piece), t)
end

"Breakpoints of a protocol inside (0, t1), increasing."
function breakpoints(protocols::Protocols, lane::Int, t1)
    found = Float64[]
    for k in 2:size(protocols.start, 1)
        t = protocols.start[k, lane]
        0 < t < t1 && push!(found, t)
    end
    return found
end
