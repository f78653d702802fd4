# The voltage on the steps that a solver took, for spike times that no sampling can miss.

"Numbers of one step: the element, its start and length, and five coefficients."
const STEP_NUMBERS = 8

"Rising steps of a batch of which all are kept; of more, only those that cross 0 mV are."
const MOST_STEPS = 2_000_000

"Where no solve ends before the last of its samples."
const NO_LIMITS = Float64[]

"""
The steps of one element in which v rises: with θ = (t - t0)/h, v is Σ c_p θ^p. `most` steps are
kept, and when there are more of them, those that cross 0 mV (`crossing` says so). The first `used`
of the `numbers` are theirs, the others room for more.
"""
mutable struct VoltageSteps
    element::Int
    const numbers::Vector{Float64}
    most::Int
    used::Int
    crossing::Bool
end

VoltageSteps(element::Int, most::Int) = VoltageSteps(element, Float64[], most, 0, false)

"Begin anew for the element that `to` is for, with the memory of `steps`."
function begin_anew!(steps::VoltageSteps, to::VoltageSteps)
    steps.element, steps.most, steps.used, steps.crossing = to.element, to.most, 0, to.crossing
    return nothing
end

"Copy what `steps` holds to `to`, which takes no more memory than that."
function copy_steps!(to::VoltageSteps, steps::VoltageSteps)
    copyto!(resize!(to.numbers, steps.used), 1, steps.numbers, 1, steps.used)
    to.used, to.crossing = steps.used, steps.crossing
    return nothing
end

"v at the fraction θ of a step with the coefficients `c`."
@inline quartic(c, θ) = muladd(θ, muladd(θ, muladd(θ, muladd(θ, c[5], c[4]), c[3]), c[2]), c[1])

"Whether `test(before, after)` holds between two of nine places in the step."
@inline function anywhere(test, c)
    before = c[1]
    for i in 1:8
        after = quartic(c, i / 8)
        test(before, after) && return true
        before = after
    end
    return false
end

rises(c) = anywhere(<, c)
# A little more than the step, since its end and the start of the next one differ by rounding.
crosses(c) = anywhere((a, b) -> a < 1e-9 && b >= -1e-9, c)

function push_voltage!(steps::VoltageSteps, t, h, c::NTuple{5,Float64})
    (steps.crossing ? crosses(c) : rises(c)) && keep_voltage!(steps, t, h, c)
    return nothing
end

"A step that is one of those to keep."
function keep_voltage!(steps::VoltageSteps, t, h, c::NTuple{5,Float64})
    numbers, n = steps.numbers, steps.used
    n < length(numbers) || resize!(numbers, max(32 * STEP_NUMBERS, 2 * n))
    steps.used = n + STEP_NUMBERS
    @inbounds numbers[n + 1], numbers[n + 2], numbers[n + 3] = steps.element, t, h
    for p in 1:5
        @inbounds numbers[n + 3 + p] = c[p]
    end
    if !steps.crossing && steps.used > STEP_NUMBERS * steps.most
        only_crossings!(steps)
    end
    return nothing
end

push_voltage!(::Nothing, t, h, c) = nothing

"Forget the steps that do not cross 0 mV, now and from now on."
function only_crossings!(steps::VoltageSteps)
    steps.crossing && return steps
    numbers, kept = steps.numbers, 0
    for from in 0:STEP_NUMBERS:(steps.used - 1)
        crosses(ntuple(p -> numbers[from + 3 + p], 5)) || continue
        copyto!(numbers, kept + 1, numbers, from + 1, STEP_NUMBERS)
        kept += STEP_NUMBERS
    end
    resize!(numbers, kept)
    steps.used, steps.crossing = kept, true
    return steps
end

"The coefficients of the quartic with these values at θ = 0, 1/4, 1/2, 3/4 and 1."
@inline function quartic_through(a, b, c, d, e)
    d1, d2, d3, d4 = b - a, c - 2b + a, d - 3c + 3b - a, e - 4d + 6c - 4b + a
    return (a, 4 * (d1 - d2 / 2 + d3 / 3 - d4 / 4), 16 * (d2 / 2 - d3 / 2 + 11d4 / 24),
        64 * (d3 / 6 - d4 / 4), 256 * d4 / 24)
end

"The step that an integrator of OrdinaryDiffEq has just taken; `value` is memory for a state."
function watch!(steps::VoltageSteps, integrator, value)
    t, h = integrator.tprev, integrator.t - integrator.tprev
    inside = ntuple(3) do i
        integrator(value, t + i * h / 4)
        value[1]
    end
    push_voltage!(steps, t, h, quartic_through(integrator.uprev[1], inside..., integrator.u[1]))
    return nothing
end

watch!(::Nothing, integrator, value) = nothing

"The steps of all elements, one in each column: element (from 0 on), t, h, coefficients."
function all_steps(each::Vector{VoltageSteps})
    any(steps -> steps.crossing, each) && foreach(only_crossings!, each)
    count = sum(steps -> steps.used, each; init=0) ÷ STEP_NUMBERS
    found = Matrix{Float64}(undef, STEP_NUMBERS, count)
    place = 1
    for steps in each
        copyto!(found, place, steps.numbers, 1, steps.used)
        place += steps.used
    end
    return found
end
