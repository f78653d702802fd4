# Batches in blocks: an element that has reached its end gives its place in the block to the next
# one of the batch. Blocks over threads.

"""
Elements for each thread from which blocks are faster: a block of them takes as long as three to six
one by one.
"""
const FEWEST_IN_BLOCK = 8

"""
Steps bounded by stability after which `"auto"` gives an element to the methods for stiff equations:
to Rodas5P in blocks, whose step takes twice as long, or one by one, where a step takes ten times as long.
"""
most_stiff_steps(::Elements) = 500

const IN_BLOCKS = ("auto", "rodas5p", "tsit5")

"""
Whether `n` elements are solved in blocks, or all of their gradients computed. A neuron that is one
network altogether has no block of Rodas5P: its Jacobian has no zeros. One that is a program has none.
"""
function in_blocks(options::Options, n::Int, system::System, solvers=IN_BLOCKS)
    there = options.solver in solvers && !is_program(system) &&
        !(options.solver == "rodas5p" && is_black_box(system))
    options.single && !there && throw(InputError(
        "dtype = \"float32\": the Julia engine does not have it for solver = " *
        "\"$(options.solver)\" here; use \"auto\" or \"tsit5\", dtype = \"float64\", or " *
        "backend = \"torch\""))
    return options.single || (there && n >= FEWEST_IN_BLOCK * Threads.nthreads())
end

"""
Solve a batch in blocks, and return the elements that are left for `solve_each!`: by `"auto"` first
those that Tsit5 finds stiff, or where it fails, are solved by Rodas5P.
"""
function solve_blocks!(
    y, status, stats, system, protocols, theta, y0, times, options, stop, ends, each
)
    function pass(which, implicit)
        batch = Batch(y, status, stats, system, protocols, theta, y0, times, ends, each, options,
            stop, which, implicit, Threads.Atomic{Int}(1), Int[], Threads.SpinLock())
        options.single ? over_threads!(batch, Float32, system) : over_threads!(batch, Float64, system)
        return sort!(batch.rest)
    end
    rest = pass(collect(axes(y, 3)), options.solver == "rodas5p")
    stiff = options.solver == "auto" && !isempty(rest) && !is_black_box(system)
    return stiff ? pass(rest, true) : rest
end

function over_threads!(batch::Batch, ::Type{T}, system::System) where {T}
    count = min(Threads.nthreads(), cld(length(batch.which), width(T)))
    make() = Block{T}(system, batch.protocols, batch.options)
    each_element(make, Pool(), count, batch.stop) do block, _
        solve_block!(block, batch)
    end
    return nothing
end

"Take elements of the batch until there are no more."
function solve_block!(b::Block{T}, batch::Elements) where {T}
    clamped, implicit, rtol = batch.protocols.clamped, is_implicit(batch), batch.options.rtol
    watches_stiffness = batch.options.solver == "auto" && !implicit
    renewed, fresh = fill(true, width(T)), fill(true, width(T))
    for w in 1:width(T)
        take_next!(b, w, batch)
    end
    start!(b, batch, renewed, fresh)
    while any(>(0), b.element)
        batch.stop[1] == 0 || interrupt!(b, batch)
        GC.safepoint()
        varying = any(isnan, b.level)
        if implicit
            rosenbrock_step!(b, rtol, clamped, varying)
            control!(b, batch.options.dt_max, ROSENBROCK_CONTROL...)
        else
            block_step!(b, rtol, clamped, varying)
            control!(b, batch.options.dt_max)
        end
        watches_stiffness && block_stiffness!(b)
        record!(batch, b)
        inside!(b, batch, is_watched(batch))
        block_advance!(b)
        settled!(b, batch, renewed, fresh) && start!(b, batch, renewed, fresh)
    end
    return nothing
end

"Give the next element of the batch the place `w` of the block, or leave it empty."
function take_next!(b::Block{T}, w::Int, batch::Elements) where {T}
    b.element[w], b.h[w], b.t[w], b.piece_end[w], b.sample_time[w] = 0, 0.0, 0.0, 0.0, Inf
    b.level[w] = 0.0
    while true
        i = next_element!(batch)
        i == 0 && return nothing
        theta = theta_of(batch, i)
        bind!(b.model, w, theta)
        b.cursors[w] = StimulusCursor(batch.protocols, place_of(batch, i))
        b.element[w], b.accepted[w], b.rejected[w], b.sample[w] = i, 0.0, 0.0, 1
        b.stiff[w] = 0.0
        is_watched(batch) && begin_anew!(b.watched[w], steps_of(batch, i))
        b.t1[w] = end_of(batch, i)
        b.y[w, :] .= start_of(batch, i, alone(b, w, theta))
        save_start!(b, w, batch)
        finite = all(j -> isfinite(b.y[w, j]), axes(b.y, 2))
        none = b.t1[w] <= 0 ? SUCCESS : finite ? nothing : NONFINITE
        if none === nothing
            b.first_piece[w] = b.cursors[w].piece
            b.before[w] = log(LEAST_ERROR)
            set_piece!(b, w)
            b.limit[w] = step_limit(batch.options, 0.0, 0)
            return nothing
        end
        finish!(b, w, batch, none, 0)
    end
end

"Element `w` of the block by itself, with the parameters `theta`."
function alone(b::Block, w::Int, theta)
    n = size(b.y, 2)
    return Element(bind!(b.scalar, theta), b.cursors[w], zeros(n), zeros(n), zeros(0, 0))
end

"Samples at or before the start."
function save_start!(b::Block, w::Int, batch::Elements)
    times, samples = times_of(batch, b.element[w]), samples_of(batch, b.element[w])
    while b.sample[w] <= length(times) && times[b.sample[w]] <= 0
        samples[:, b.sample[w]] .= @view b.y[w, :]
        b.sample[w] += 1
    end
    set_sample_time!(b, w, times)
    return nothing
end

@inline function set_sample_time!(b::Block{T}, w::Int, times) where {T}
    @inbounds b.sample_time[w] = b.sample[w] <= length(times) ? times[b.sample[w]] : Inf
    return nothing
end

"What holds until the end of the piece of the protocol that element `w` has come to."
function set_piece!(b::Block{T}, w::Int) where {T}
    b.level[w] = level(b.cursors[w])
    b.piece_end[w] = min(next_break(b.cursors[w]), b.t1[w])
    return nothing
end

"The slopes of elements that a step does not begin with, and the first step of the fresh ones."
function start!(b::Block{T}, batch::Elements, renewed, fresh) where {T}
    scratch, first = b.k[7], b.k[1]
    block_slopes!(scratch, b, b.y, 0.0, batch.protocols.clamped, true)
    for w in 1:width(T)
        renewed[w] || continue
        for j in axes(first, 2)
            first[w, j] = scratch[w, j]
        end
        fresh[w] && b.element[w] > 0 && (b.h[w] = first_step(b, w, batch.options))
        renewed[w] = fresh[w] = false
    end
    return nothing
end

"As for one element, in explicit.jl."
function first_step(b::Block{T}, w::Int, options::Options) where {T}
    height = steepness = 0.0
    n = size(b.y, 2)
    for j in 1:n
        size = options.rtol * abs(b.y[w, j]) + b.atol[j]
        height += abs2(b.y[w, j] / size) / n
        steepness += abs2(b.k[1][w, j] / size) / n
    end
    steepness = max(sqrt(steepness), 1e-12)
    h = min(0.01 * sqrt(height) / steepness, steepness^(-1 / 5))
    return isfinite(h) && h > 0 ? min(h, options.dt_max, b.t1[w]) : 1e-6
end

"Samples and voltages inside the accepted steps."
function inside!(b::Block{T}, batch::Elements, watched::Bool) where {T}
    due = false
    @inbounds for w in 1:width(T)
        due |= b.t_next[w] >= b.sample_time[w]
    end
    due || watched || return nothing
    states = due ? size(b.y, 2) : 1
    is_implicit(batch) ? rosenbrock_dense!(b, states) : block_dense!(b, states)
    watched && block_rises!(b)
    c1, c2, c3, c4 = b.dense
    @inbounds for w in 1:width(T)
        (b.element[w] > 0 && b.accepts[w] > 0) || continue
        b.t_next[w] >= b.sample_time[w] && save!(b, w, batch)
        watched || continue
        steps = b.watched[w]
        (steps.crossing ? b.crosses[w] : b.rises[w]) > 0 && keep_voltage!(
            steps, b.t[w], b.step[w], map(Float64, (b.y[w], c1[w], c2[w], c3[w], c4[w])))
    end
    return nothing
end

"The samples of element `w` in the step that it has just taken."
function save!(b::Block{T}, w::Int, batch::Elements) where {T}
    times, y, from = times_of(batch, b.element[w]), samples_of(batch, b.element[w]), b.sample[w]
    t, t_next, inverse, last = b.t[w], b.t_next[w], 1 / b.step[w], from
    @inbounds while last < length(times) && times[last + 1] <= t_next
        last += 1
    end
    @inbounds for j in axes(b.y, 2)
        o, low, high = offset(T, j) + w, b.low[j], b.high[j]
        x, c1, c2, c3, c4 = b.y[o], b.dense[1][o], b.dense[2][o], b.dense[3][o], b.dense[4][o]
        for s in from:last
            theta = (times[s] - t) * inverse
            z = muladd(theta, muladd(theta, muladd(theta, muladd(theta, c4, c3), c2), c1), x)
            y[j, s] = min(max(z, low), high)
        end
        times[last] == t_next && (y[j, last] = min(max(b.at[o], low), high))
    end
    b.sample[w] = last + 1
    set_sample_time!(b, w, times)
    return nothing
end

"""
After a step: elements that are at the end of a piece or of their own, that cannot go on, or have
taken too many steps. Returns whether any of them begins anew, which `renewed` and `fresh` tell.
"""
function settled!(b::Block{T}, batch::Elements, renewed, fresh) where {T}
    found, most_stiff = false, most_stiff_steps(batch)
    @inbounds for w in 1:width(T)
        b.element[w] > 0 || continue
        t, status = b.t[w], nothing
        if b.accepts[w] == 0
            if !(b.h[w] > max(16 * eps(t), 1e-32))
                status = isfinite(b.error[w]) ? STEP_UNDERFLOW : NONFINITE
            end
        elseif t >= b.t1[w]
            status = SUCCESS
        elseif t >= b.piece_end[w]
            cursor = b.cursors[w]
            while t >= next_break(cursor)
                cursor.piece += 1
            end
            set_piece!(b, w)
            renewed[w] = found = true
        end
        if status === nothing && b.accepted[w] + b.rejected[w] >= b.limit[w]
            b.limit[w] = step_limit(batch.options, t, b.cursors[w].piece - b.first_piece[w])
            b.accepted[w] + b.rejected[w] >= b.limit[w] && (status = MAX_STEPS)
        end
        status === nothing && b.stiff[w] <= most_stiff && continue
        if batch.options.solver == "auto" && status !== SUCCESS
            leave!(batch, b.element[w])
        else
            finish!(b, w, batch, status, 1)
        end
        take_next!(b, w, batch)
        renewed[w] = fresh[w] = found = true
    end
    return found
end

"Element `w` has ended; `first` is 1 where its slope at the start has been evaluated."
function finish!(b::Block, w::Int, batch::Elements, status::Status, first::Int)
    i, accepted, rejected = b.element[w], round(Int, b.accepted[w]), round(Int, b.rejected[w])
    times, samples = times_of(batch, i), samples_of(batch, i)
    for next in b.sample[w]:length(times)
        samples[:, next] .= NaN
    end
    if batch.protocols.clamped
        for next in 1:searchsortedlast(times, b.t1[w])
            samples[1, next] = value_at(batch.protocols, place_of(batch, i), times[next])
        end
    end
    is_watched(batch) && copy_steps!(steps_of(batch, i), b.watched[w])
    each = is_implicit(batch) ? stages(RODAS5P) : 6
    ended!(batch, i, status, accepted, rejected, each * (accepted + rejected) + first)
    return nothing
end

"End all elements, and those that have not begun, as interrupted."
function interrupt!(b::Block{T}, batch::Elements) where {T}
    for w in 1:width(T)
        while b.element[w] > 0
            finish!(b, w, batch, INTERRUPTED, 1)
            take_next!(b, w, batch)
        end
    end
    return nothing
end
