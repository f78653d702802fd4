# What the elements are that a block solves, and where their results go.

"""
Elements that blocks solve, numbered from 1 on, with `protocols`, `options` and `stop`. A type of
them has methods of what follows for one of its own, `Batch`.
"""
abstract type Elements end

"""
What a solve of a batch was asked for, and where its results go. Blocks take the elements `which`, by
Rodas5P if `implicit`, else by Tsit5; `rest` are those that `"auto"` leaves to other methods.
"""
struct Batch{Y,S,C,H,R,M,E,F} <: Elements
    y::Y
    status::S
    stats::C
    system::System
    protocols::Protocols
    theta::H
    y0::R
    times::M
    ends::E
    each::Vector{VoltageSteps}
    options::Options
    stop::F
    which::Vector{Int}
    implicit::Bool
    next::Threads.Atomic{Int}
    rest::Vector{Int}
    lock::Threads.SpinLock
end

"The next element that has not begun, 0 where there is none."
function next_element!(batch::Batch)
    i = Threads.atomic_add!(batch.next, 1)
    return i <= length(batch.which) ? batch.which[i] : 0
end

most_stiff_steps(batch::Batch) = is_black_box(batch.system) ? 500 : 100

"Whether the steps are those of Rodas5P."
is_implicit(batch::Batch) = batch.implicit

"The protocol of element `i`."
place_of(batch::Batch, i::Int) = min(i, length(batch.protocols))
theta_of(batch::Batch, i::Int) = column(batch.theta, i)
times_of(batch::Batch, i::Int) = batch.times
samples_of(batch::Batch, i::Int) = @view batch.y[:, :, i]
end_of(batch::Batch, i::Int) =
    isempty(batch.ends) ? last(batch.times) : batch.ends[place_of(batch, i)]

"Where element `i` begins: what was given, or else the steady state by `scalar`, bound to it."
function start_of(batch::Batch, i::Int, element::Element)
    size(batch.y0, 2) == 0 || return Vector{Float64}(column(batch.y0, i))
    return start_state(element, element.model.system.v_rest)
end

"Whether the voltage on the steps is kept, and where that of element `i` is."
is_watched(batch::Batch) = !isempty(batch.each)
steps_of(batch::Batch, i::Int) = batch.each[i]

"What is kept of the step that all elements of a block have just tried."
record!(::Batch, block) = nothing

"""
Write down how element `i` ended; `first` is 1 where its slope at the start has been evaluated.
"""
function ended!(
    batch::Batch, i::Int, status::Status, accepted::Int, rejected::Int, evaluations::Int
)
    batch.status[i] = Int(status)
    batch.stats[:, i] .= (accepted, rejected, evaluations)
    return nothing
end

"Leave element `i`, which failed or is stiff, to be solved by itself."
function leave!(batch::Batch, i::Int)
    @lock batch.lock push!(batch.rest, i)
    return nothing
end
