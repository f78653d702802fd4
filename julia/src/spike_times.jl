# The part of a loss that compares spike times: rises of v through a threshold, by straight lines
# between samples, so that the derivative by the samples is exact.

"The samples after which `v` rises through `threshold`, where both neighbours have weight."
rises(v, threshold, weight=nothing) = [i for i in 1:(length(v) - 1) if
    v[i] < threshold <= v[i + 1] && (weight === nothing || weight[i] * weight[i + 1] > 0)]

crossing(t, v, i::Int, threshold) = t[i] + (threshold - v[i]) * (t[i + 1] - t[i]) / (v[i + 1] - v[i])

"""
Pairs (measured, predicted) of increasing times at most `window` apart: as many as there can be, each
time in one at most, and among such pairings the one whose times differ least in sum. By dynamic
programming: no two pairs need to cross.
"""
function match_spikes(measured, predicted, window)
    n, m = length(measured), length(predicted)
    bonus = 2window * (1 + min(n, m)) # one more pair is worth more than all distances together
    best = zeros(n + 1, m + 1) # of the first i and the first j times
    for j in 1:m, i in 1:n
        apart = abs(predicted[j] - measured[i])
        paired = apart <= window + 1e-9 ? best[i, j] + (apart - bonus) : Inf
        best[i + 1, j + 1] = min(best[i, j + 1], best[i + 1, j], paired)
    end
    pairs, i, j = Tuple{Int,Int}[], n, m
    while i > 0 && j > 0
        if best[i + 1, j + 1] == best[i, j + 1]
            i -= 1
        elseif best[i + 1, j + 1] == best[i + 1, j]
            j -= 1
        else
            push!(pairs, (i, j))
            i, j = i - 1, j - 1
        end
    end
    return reverse!(pairs)
end

"""
Mean squared error of the spike times of recording `r` times `loss.spikes`, and what flows back
from it to `predicted`, added to `bars`. A spike without a counterpart costs as much as one at the
edge of its window, and one too many as much as `loss.extra` of these.
"""
function spike_loss!(bars, predicted, targets::Targets, r::Int, loss::Loss)
    t, data, level = targets.t[r], targets.data[r], loss.threshold
    expected = rises(data, level, targets.weight[r])
    isempty(expected) && loss.extra == 0.0 && return 0.0
    found = rises(predicted, level)
    measured = [crossing(t, data, i, level) for i in expected]
    ours = [crossing(t, predicted, i, level) for i in found]
    pairs = match_spikes(measured, ours, loss.match_window)
    each = loss.spikes / max(1, length(measured))
    missing = length(measured) - length(pairs) + loss.extra * (length(ours) - length(pairs))
    total = each * loss.match_window^2 * missing
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
