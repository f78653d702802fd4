# What belongs to the elements of a batch: the parameters of a cell, and the end of a window.

"The column of a (P, C·K) array that belongs to recording `r` and the set `k` of `sets`."
@inline column_of(a, cells, r::Int, k::Int, sets::Int) =
    (k - 1) * (size(a, 2) ÷ sets) + (isempty(cells) ? 1 : cells[r])

"""
What the states at the last samples should be: `weight` (S) for the squares of what is missing to
`target` (S, R, 1 or K), NaN where there is none. The states themselves go into `state` (S, R, K).
"""
struct Ends
    weight::Vector{Float64}
    target::Array{Float64,3}
    state::Array{Float64,3}
end

const NO_ENDS = Ends(Float64[], zeros(0, 0, 0), zeros(0, 0, 0))

"The cost of the end of recording `r`; what flows back from it is added to the last of `bars`."
function end_bars!(bars, samples, ends::Ends, r::Int, k::Int, clamped::Bool)
    total = 0.0
    isempty(ends.weight) && return total
    ends.state[:, r, k] .= @view samples[:, end]
    one_for_all = size(ends.target, 3) == 1
    for j in eachindex(ends.weight)
        missed = samples[j, end] - ends.target[j, r, one_for_all ? 1 : k]
        isnan(missed) && continue
        total += ends.weight[j] * missed^2
        clamped && j == 1 || (bars[j, end] += 2 * ends.weight[j] * missed)
    end
    return total
end
