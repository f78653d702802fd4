# Gradients of many recordings and parameter sets in blocks.

"What a thread needs for its elements; it waits for the next call, in the system's pool."
struct GradientBlock{T}
    block::Block{T}
    adjoint::BlockAdjoint{T}
    tape::BlockTape{T}
    # Of each element of a portion.
    samples::Vector{Matrix{Float64}}
    bars::Vector{Matrix{Float64}}
    outcomes::Vector{Outcome}
end

function GradientBlock{T}(system::System, protocols::Protocols, options::Options) where {T}
    block = Block{T}(system, protocols, options)
    return GradientBlock{T}(block, BlockAdjoint(block), BlockTape{T}(), Matrix{Float64}[],
        Matrix{Float64}[], Outcome[])
end

"One that waits keeps no more than what most calls need."
function rest!(worker::GradientBlock)
    length(worker.tape.y) > MOST_KEPT && foreach(x -> resize!(sizehint!(x, 0), 0), (worker.tape.t,
        worker.tape.step, worker.tape.piece, worker.tape.element, worker.tape.y))
    return worker
end

"Solvers whose gradients are computed in blocks."
const GRADIENTS_IN_BLOCKS = ("auto", "tsit5")

"What a call for gradients was asked for, and where its results go."
struct GradientCall{E,G,Y,S,C,H,F}
    each::E
    parts::G
    y0_gradient::Y
    status::S
    stats::C
    recordings::Recordings
    theta::H
    y0::Array{Float64,3}
    loss::Loss
    options::Options
    stop::F
    ends::Ends
    rest::Vector{Int}
    lock::Threads.SpinLock
end

"What a call for predictions was asked for, and where they go."
struct PredictionCall{P,S,H,F}
    predicted::P
    status::S
    recordings::Recordings
    theta::H
    y0::Array{Float64,3}
    options::Options
    stop::F
    rest::Vector{Int}
    lock::Threads.SpinLock
end

const BlockCall = Union{GradientCall,PredictionCall}

"Recording and parameter set of element `e` of all."
@inline function pair_of(call::BlockCall, e::Int)
    n = size(call.status, 1)
    return (e - 1) % n + 1, (e - 1) ÷ n + 1
end

"The elements after the first `before`, as many as there are `outcomes`, in one block after another."
struct Portion{T,C<:BlockCall} <: Elements
    call::C
    worker::GradientBlock{T}
    protocols::Protocols
    options::Options
    stop::Vector{UInt8}
    before::Int
    next::Base.RefValue{Int}
end

function next_element!(p::Portion)
    p.next[] += 1
    return p.next[] <= length(p.worker.outcomes) ? p.next[] : 0
end

place_of(p::Portion, i::Int) = pair_of(p.call, p.before + i)[1]
times_of(p::Portion, i::Int) = p.call.recordings.targets.t[place_of(p, i)]
samples_of(p::Portion, i::Int) = p.worker.samples[i]
bars_of(p::Portion, i::Int) = p.worker.bars[i]
end_of(p::Portion, i::Int) = last(times_of(p, i))
is_watched(::Portion) = false
is_implicit(p::Portion) = p.options.solver == "rodas5p"
has_gradient(p::Portion, i::Int) = p.worker.outcomes[i].status == SUCCESS
record!(p::Portion{T,<:GradientCall}, b::Block) where {T} = push_step!(p.worker.tape, b)
record!(::Portion{T,<:PredictionCall}, ::Block) where {T} = nothing

function theta_of(p::Portion, i::Int)
    r, k = pair_of(p.call, p.before + i)
    theta = p.call.theta
    column = column_of(theta, p.call.recordings.cells, r, k, size(p.call.status, 2))
    return @view theta[:, column]
end

function start_of(p::Portion, i::Int, element::Element)
    r, k = pair_of(p.call, p.before + i)
    size(p.call.y0, 2) == 0 || return given_start(p.call.y0, r, k)
    return start_state(element, p.call.recordings.v0[r])
end

function ended!(p::Portion, i::Int, status::Status, accepted::Int, rejected::Int, evaluations::Int)
    p.worker.outcomes[i] = Outcome(status, accepted, rejected, evaluations)
    return nothing
end

leave!(p::Portion, i::Int) = (@lock p.call.lock push!(p.call.rest, p.before + i); nothing)

"The elements after the first `before`, `count` of them, solved; those that are left to others."
function solve_portion!(
    call::BlockCall, worker::GradientBlock{T}, before::Int, count::Int
) where {T}
    system, options = call.recordings.system, call.options
    portion = Portion{T,typeof(call)}(
        call, worker, call.recordings.protocols, options, call.stop, before, Ref(0))
    resize!(worker.outcomes, count)
    fill!(worker.outcomes, Outcome(INTERRUPTED, 0, 0, 0))
    worker.block.atol .= [absolute(options, j, system) for j in 1:n_states(system)]
    for i in 1:count
        room!(worker, i, n_states(system), length(times_of(portion, i)))
    end
    solve_block!(worker.block, portion)
    return portion, @lock call.lock copy(call.rest)
end

function portion!(call::GradientCall, worker::GradientBlock, before::Int, count::Int)
    empty!(worker.tape)
    portion, left = solve_portion!(call, worker, before, count)
    for i in 1:count
        before + i in left || portion_loss!(portion, i)
    end
    block_adjoint!(worker.adjoint, worker.block, worker.tape, portion)
    return nothing
end

function portion!(call::PredictionCall, worker::GradientBlock, before::Int, count::Int)
    portion, left = solve_portion!(call, worker, before, count)
    for i in 1:count
        before + i in left && continue
        r, k = pair_of(call, before + i)
        element = alone(worker.block, r, call.recordings.protocols, theta_of(portion, i))
        call.status[r, k] = Int(worker.outcomes[i].status)
        into = @view call.predicted[samples_of(call.recordings.targets, r), k]
        observed!(into, samples_of(portion, i), times_of(portion, i), element,
            call.recordings.current)
    end
    return nothing
end

"Recording `r` by itself, with the parameters `theta`."
alone(b::Block, r::Int, protocols::Protocols, theta) = Element(bind!(b.scalar, theta), protocols, r)

"Room for the `n` samples of element `i`, and for what flows back to them."
function room!(worker::GradientBlock, i::Int, states::Int, n::Int)
    for each in (worker.samples, worker.bars)
        i > length(each) && push!(each, zeros(states, n))
        size(each[i], 2) == n || (each[i] = zeros(states, n))
    end
    return nothing
end

"Loss of element `i`, and what flows back from it to its samples and straight to its parameters."
function portion_loss!(p::Portion, i::Int)
    call, outcome, b, (r, k) = p.call, p.worker.outcomes[i], p.worker.block, pair_of(p.call, p.before + i)
    value = Inf
    if outcome.status == SUCCESS
        element = alone(b, r, p.protocols, theta_of(p, i))
        bars, samples = bars_of(p, i), samples_of(p, i)
        value = sample_bars!(
            bars, (@view call.parts[:, r, k]), samples, call.recordings, r, element, call.loss)
        value += end_bars!(bars, samples, call.ends, r, k, is_clamped(element))
    end
    call.each[r, k], status = judged(value, outcome)
    call.status[r, k] = Int(status)
    call.stats[:, r, k] .= (outcome.n_steps, outcome.n_rejected, outcome.n_f_evals)
    return nothing
end

"What has flowed back to the parameters and to the start of element `i`, in place `w` of the block."
function gradient_of!(p::Portion, i::Int, gradient, start_bar, b::Block, w::Int)
    call, (r, k) = p.call, pair_of(p.call, p.before + i)
    part = @view call.parts[:, r, k]
    part .+= gradient
    if size(call.y0, 2) == 0
        model = bind!(b.scalar, theta_of(p, i))
        v = p.protocols.clamped ? stimulus(StimulusCursor(p.protocols, r), 0.0) :
            call.recordings.v0[r]
        steady_state_pullback!(part, v, start_bar, model)
    else
        call.y0_gradient[:, r, k] .= start_bar ./ size(call.status, 1)
    end
    return nothing
end

"Elements of a portion at most, in blocks that are filled again as elements come to their ends."
const BLOCKS_IN_PORTION = 4

"""
All elements of a call in blocks, in the precision that it asks for; returns those that are left for
a method for stiff equations.
"""
in_portions!(call::BlockCall) =
    call.options.single ? in_portions!(call, Float32) : in_portions!(call, Float64)

function in_portions!(call::BlockCall, ::Type{T}) where {T}
    system, protocols = call.recordings.system, call.recordings.protocols
    n = length(call.status)
    size_of_one = clamp(cld(n, Threads.nthreads()), width(T), BLOCKS_IN_PORTION * width(T))
    make() = GradientBlock{T}(system, protocols, call.options)
    pool = T === Float64 ? system.block_pools[1] : system.block_pools[2]
    each_element(make, pool, cld(n, size_of_one), call.stop) do worker, i
        before = (i - 1) * size_of_one
        portion!(call, worker, before, min(size_of_one, n - before))
    end
    return sort!(call.rest)
end
