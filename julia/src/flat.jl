# What callers in other languages make their arguments with: from numbers, text and arrays. Arrays
# may lie in memory that is theirs, as long as they keep it alive. Nothing is called back.

"The protocols of a batch from arrays (K, B) and (J, K, B)."
make_protocols(clamped, start, offset, slope, amplitude, omega, chirp, phase) = Protocols(clamped,
    copy(start), copy(offset), copy(slope), copy(amplitude), copy(omega), copy(chirp), copy(phase))

"Add a recording whose arrays stay where they are."
add_recording!(targets::Targets, t, data, weight, scale) = add!(targets, t, data, weight, scale)

make_recordings(system, protocols, targets, v0, current) =
    checked(system, protocols, targets, copy(v0), current)

make_clamped(system, exact, nodes, index, weight, first_step, h, targets, place, voltage, weights,
    slope) = checked_clamped(system, exact, copy(nodes), copy(index), copy(weight),
    copy(first_step), copy(h), targets, copy(place), copy(voltage), copy(weights), copy(slope))

make_options(solver, rtol, atol, v_scale, max_steps, dt_max) =
    Options(solver, rtol, atol, v_scale, max_steps, dt_max)

make_loss(kind, delta) = Loss(kind; delta)
