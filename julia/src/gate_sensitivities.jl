# Forward sensitivities of gates under a known voltage. Matrices have the directions first: (q, G).

"""
    gate_sensitivities!(out, system, theta, nodes, index, weight, v, h, sample, before, held,
        places, slopes, counts, columns, start)

How the gates at the samples of a known voltage move: `out` (q, G, T).

The voltage is `v` (N) in steps of `h` (N) ms, of which `sample` (T, increasing) are the last before
each sample, and the gates are `before` (N, G) them. Derivatives of the rates are taken at `nodes`
mV, and those in a step are sums of some of them (`index`, `weight`, one column a step). Gates start
at the steady state, but for those that are `held` (G); or they move by `start` (q, G) there, which
is (0, G) for the steady state.
"""
function gate_sensitivities!(
    out, system::System, theta, nodes, index, weight, v, h, sample, before, held, places, slopes,
    counts, columns, start,
)
    model = bind!(Model{Float64}(system), theta)
    d = WeightDirections(system, places, slopes, counts, columns)
    table, n_gates = rates_along(d, model, nodes), size(before, 2)
    rates, moved = zeros(2 * n_gates), zeros(size(out, 1), n_gates)
    along_a, along_s = zeros(d.count), zeros(d.count)
    state, next = zeros(n_states(system)), 1
    for k in eachindex(v)
        state[1] = v[k]
        evaluate!(rates, GateRates(), state, 0.0, model)
        for g in 1:n_gates
            if k == 1 && !isempty(start)
                moved[:, g] .= @view start[:, g]
            elseif k == 1 && held[g]
                moved[:, g] .= 0
            else
                interpolate_line!(along_a, table, g, index, weight, k)
                interpolate_line!(along_s, table, n_gates + g, index, weight, k)
                # In the first step gates reach their level, and nothing of before is left.
                step = k == 1 ? 0.0 : h[k]
                keep = k == 1 ? 0.0 : exp(-rates[n_gates + g] * step)
                gate_step!(moved, g, along_a, along_s, rates[g], rates[n_gates + g], before[k, g],
                    step, keep)
            end
        end
        while next <= length(sample) && sample[next] == k
            out[:, :, next] .= moved
            next += 1
        end
    end
    return nothing
end

"Derivatives of the rates along the directions at the voltages `nodes`: (q, 2·G, n)."
function rates_along(d::WeightDirections, model, nodes)
    system = model.system
    n, components = n_states(system), n_components(GateRates(), system)
    table, found = zeros(d.count, components, length(nodes)), zeros(d.count, components)
    value, state, work = zeros(components), zeros(n), PullWork(system)
    for (i, v) in enumerate(nodes)
        state[1] = v
        evaluate!(value, GateRates(), state, 0.0, model)
        outputs_along!(d, model)
        for f in 1:components
            along!(found, f, d, GateRates(), f, state, 0.0, model, work)
        end
        table[:, :, i] .= found
    end
    return table
end

@inline function interpolate_line!(to, table, f::Int, index, weight, k::Int)
    fill!(to, 0)
    @inbounds for i in axes(index, 1)
        node, w = index[i, k], weight[i, k]
        @simd ivdep for j in eachindex(to)
            to[j] = muladd(w, table[j, f, node], to[j])
        end
    end
end

"From a gate's derivatives before a step to those after it, where dx/dt = a - s·x for `h` ms."
@inline function gate_step!(moved, g::Int, along_a, along_s, a, s, before, h, keep)
    level, per_s = a / s, (1 - keep) / s
    stay = (before - level) * h * keep
    @inbounds @simd ivdep for j in eachindex(along_a)
        push = per_s * (along_a[j] - level * along_s[j]) - stay * along_s[j]
        moved[j, g] = muladd(keep, moved[j, g], push)
    end
    @inbounds for j in (length(along_a) + 1):size(moved, 1)
        moved[j, g] *= keep
    end
end
