# What callers in other languages make their arguments with: from numbers, text and arrays. Arrays
# may lie in memory that is theirs, as long as they keep it alive. Nothing is called back.

"""
The equations of a neuron from the fields of its `Tables`, the names of its states with spaces
between them.
"""
system_of(name::String, states::String, rest...) =
    system_of(Tables(name, String.(split(states)), rest...))

"A field of the tables of a neuron."
table(t::Tables, name::String) = getfield(t, Symbol(name))

"The names of the states of a neuron, with spaces between them."
state_names(t::Tables) = join(t.states, " ")

"The protocols of a batch from arrays (K, B) and (J, K, B)."
make_protocols(clamped, start, offset, slope, amplitude, omega, chirp, phase) = Protocols(clamped,
    copy(start), copy(offset), copy(slope), copy(amplitude), copy(omega), copy(chirp), copy(phase))

"Add a recording whose arrays stay where they are."
add_recording!(targets::Targets, t, data, weight, scale) = add!(targets, t, data, weight, scale)

make_recordings(system, protocols, targets, v0, current, cells=Int[]) =
    checked(system, protocols, targets, copy(v0), current, copy(cells))

make_clamped(system, exact, nodes, index, weight, first_step, h, targets, place, voltage, weights,
    slope, cells=Int[]) = checked_clamped(system, exact, copy(nodes), copy(index), copy(weight),
    copy(first_step), copy(h), targets, copy(place), copy(voltage), copy(weights), copy(slope),
    copy(cells))

make_options(solver, rtol, atol, v_scale, max_steps, dt_max, single=false) =
    Options(solver, rtol, atol, v_scale, max_steps, dt_max, single)

make_loss(kind, delta, spikes=0.0, threshold=0.0, match_window=5.0, v_clip=Inf,
    observer_conductance=0.0, extra=0.0) =
    Loss(kind; delta, spikes, threshold, match_window, v_clip, observer_conductance, extra)

"The ends of windows, whose states are written into memory of the caller's."
make_ends(weight, target, state) = Ends(weight, target, state)
