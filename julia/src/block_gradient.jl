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

"Recording and parameter set of element `e` of all."
@inline function pair_of(call::GradientCall, e::Int)
    n = size(call.status, 1)
    return (e - 1) % n + 1, (e - 1) ÷ n + 1
end

"The elements after the first `before`, as many as there are `outcomes`, in one block after another."
struct Portion{T,C<:GradientCall} <: Elements
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
has_gradient(p::Portion, i::Int) = p.worker.outcomes[i].status == SUCCESS
record!(p::Portion, b::Block) = push_step!(p.worker.tape, b)

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

"Loss and gradient of the elements after the first `before`, `count` of them."
function portion_gradient!(
    call::GradientCall, worker::GradientBlock{T}, before::Int, count::Int
) where {T}
    recordings, b = call.recordings, worker.block
    system, options = recordings.system, call.options
    portion = Portion{T,typeof(call)}(
        call, worker, recordings.protocols, options, call.stop, before, Ref(0))
    resize!(worker.outcomes, count)
    fill!(worker.outcomes, Outcome(INTERRUPTED, 0, 0, 0))
    b.atol .= [absolute(options, j) for j in 1:n_states(system)]
    for i in 1:count
        room!(worker, i, n_states(system), length(times_of(portion, i)))
    end
    empty!(worker.tape)
    solve_block!(b, portion)
    left = @lock call.lock copy(call.rest)
    for i in 1:count
        before + i in left || portion_loss!(portion, i)
    end
    block_adjoint!(worker.adjoint, b, worker.tape, portion)
    return nothing
end

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
        element = Element(bind!(b.scalar, theta_of(p, i)), call.recordings.protocols, r)
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
        v = is_clamped_call(p) ? stimulus(StimulusCursor(p.protocols, r), 0.0) :
            call.recordings.v0[r]
        steady_state_pullback!(part, v, start_bar, model)
    else
        call.y0_gradient[:, r, k] .= start_bar ./ size(call.status, 1)
    end
    return nothing
end

is_clamped_call(p::Portion) = p.protocols.clamped

"Elements of a portion at most, in blocks that are filled again as elements come to their ends."
const BLOCKS_IN_PORTION = 4

"All elements of a call in blocks; returns those that are left for a method for stiff equations."
function gradient_blocks!(call::GradientCall, ::Type{T}) where {T}
    system, protocols = call.recordings.system, call.recordings.protocols
    n = length(call.status)
    size_of_one = clamp(cld(n, Threads.nthreads()), width(T), BLOCKS_IN_PORTION * width(T))
    make() = GradientBlock{T}(system, protocols, call.options)
    pool = T === Float64 ? system.block_pools[1] : system.block_pools[2]
    each_element(make, pool, cld(n, size_of_one), call.stop) do worker, i
        before = (i - 1) * size_of_one
        portion_gradient!(call, worker, before, min(size_of_one, n - before))
    end
    return sort!(call.rest)
end
