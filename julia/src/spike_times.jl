# The part of a loss that compares spike times: rises of v through a threshold, by straight lines
# between samples, so that the derivative by the samples is exact.

"The samples after which `v` rises through `threshold`, where both neighbours have weight."
rises(v, threshold, weight=nothing) = [i for i in 1:(length(v) - 1) if
    v[i] < threshold <= v[i + 1] && (weight === nothing || weight[i] * weight[i + 1] > 0)]

crossing(t, v, i::Int, threshold) = t[i] + (threshold - v[i]) * (t[i + 1] - t[i]) / (v[i + 1] - v[i])

"""
Pairs (measured, predicted) of times at most `reach` apart, the nearest first and each in one at
most.
"""
function nearest_pairs(measured, predicted, reach)
    near = [(abs(p - m), i, j) for (i, m) in enumerate(measured) for
        (j, p) in enumerate(predicted) if abs(p - m) <= reach]
    left, free = trues(length(measured)), trues(length(predicted))
    pairs = Tuple{Int,Int}[]
    for (_, i, j) in sort!(near)
        left[i] && free[j] || continue
        left[i] = free[j] = false
        push!(pairs, (i, j))
    end
    return pairs
end

"""
Mean squared error of the spike times of recording `r` times `loss.spikes`, and what flows back
from it to `predicted`, added to `bars`. A spike without a counterpart costs as much as one at the
edge of its reach.
"""
function spike_loss!(bars, predicted, targets::Targets, r::Int, loss::Loss)
    t, data, level = targets.t[r], targets.data[r], loss.threshold
    expected = rises(data, level, targets.weight[r])
    isempty(expected) && return 0.0
    found = rises(predicted, level)
    measured = [crossing(t, data, i, level) for i in expected]
    ours = [crossing(t, predicted, i, level) for i in found]
    pairs, each = nearest_pairs(measured, ours, loss.reach), loss.spikes / length(measured)
    total = each * loss.reach^2 * (length(measured) - length(pairs))
    for (m, p) in pairs
        late, i = ours[p] - measured[m], found[p]
        total += each * late^2
        low, high = predicted[i] - level, predicted[i + 1] - level
        factor = 2 * each * late * (t[i + 1] - t[i]) / (high - low)^2
        bars[i] -= factor * high
        bars[i + 1] += factor * low
    end
    return total
end
