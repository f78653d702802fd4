# The steady state at a known voltage, and its way back.

"The steady state at `v` into `y`: free gates at 1/2, a black box at its centre."
function steady_state!(y, v, model::Model{T}) where {T}
    system = model.system
    is_program(system) && return program_steady_state!(y, v, model)
    y[1] = v
    if is_black_box(system)
        y[2:end] .= @view system.black_box.shift[2:end]
        return y
    end
    c = model.plain
    rates!(c, model, convert(T, v))
    for (g, gate) in enumerate(system.gates)
        gate.state > 0 || continue
        given = system.initial[gate.state]
        y[gate.state] = !isnan(given) ? given : gate.kind == FREE ? 0.5 : c.a[g] / c.s[g]
    end
    return y
end

"What flows back to the steady state at a known `v` on to the parameters."
function steady_state_pullback!(gradient, v, y_bar, model::Model{T}) where {T}
    system, c = model.system, model.plain
    is_black_box(system) && return nothing
    is_program(system) && return program_steady_pullback!(gradient, v, y_bar, model)
    rates!(c, model, convert(T, v))
    fill!(c.gate_bar, zero(T))
    for (g, gate) in enumerate(system.gates)
        is_bounded(gate) || continue
        fixed = !isnan(system.initial[gate.state])
        bar = fixed ? zero(T) : y_bar[gate.state] / c.s[g]
        c.a_bar[g], c.s_bar[g] = bar, -bar * c.a[g] / c.s[g]
    end
    rates_pullback!(gradient, c, model)
    return nothing
end
