# The door for callers from other languages: numbers, text and arrays in memory that is theirs.
# An array that is not a Julia one is used where it lies, by its address, for as long as the
# caller keeps it alive. Nothing is called back.

"`a` as a Julia array over the same memory."
dense(a::Array) = a

function dense(a::AbstractArray{T,N}) where {T,N}
    isempty(a) && return Array{T,N}(undef, size(a))
    strides(a) == Base.size_to_strides(1, size(a)...) ||
        throw(InputError("an array of size $(size(a)) is not contiguous in column-major order"))
    return unsafe_wrap(Array, Ptr{T}(pointer(a)), size(a))
end

"The protocols of a batch from arrays (K, B) and (J, K, B)."
make_protocols(clamped, start, offset, slope, amplitude, omega, chirp, phase) = Protocols(
    clamped, Matrix{Float64}(start), Matrix{Float64}(offset), Matrix{Float64}(slope),
    Array{Float64,3}(amplitude), Array{Float64,3}(omega), Array{Float64,3}(chirp),
    Array{Float64,3}(phase))

"Add a recording whose arrays stay where they are."
add_recording!(targets::Targets, t, data, weight, scale) =
    add!(targets, dense(t), dense(data), dense(weight), scale)

make_recordings(system, protocols, targets, v0, current) =
    checked(system, protocols, targets, Vector{Float64}(v0), current)

make_clamped(system, first_step, h, v, targets, place, voltage, weights, slope) = checked_clamped(
    system, Vector{Int}(first_step), Vector{Float64}(h), Vector{Float64}(v), targets,
    Vector{Int}(place), Vector{Float64}(voltage), Matrix{Float64}(weights), Vector{Float64}(slope))

make_options(solver, rtol, atol, v_scale, max_steps, dt_max) =
    Options(String(solver), rtol, atol, v_scale, max_steps, dt_max)

make_loss(kind, delta) = Loss(String(kind); delta)

flat_solve(y, status, stats, system::System, protocols::Protocols, theta, y0, times,
    options::Options, stop) = solve!(dense(y), dense(status), dense(stats), system, protocols,
    dense(theta), dense(y0), dense(times), options, dense(stop))

flat_gradient(sensitivity, each, gradient, y0_gradient, status, stats, recordings::Recordings,
    theta, y0, loss::Loss, options::Options, stop) = gradient_by!(String(sensitivity), dense(each),
    dense(gradient), dense(y0_gradient), dense(status), dense(stats), recordings, dense(theta),
    dense(y0), loss, options, dense(stop))

flat_predict(predicted, status, recordings::Recordings, theta, y0, options::Options, stop) =
    predict!(dense(predicted), dense(status), recordings, dense(theta), dense(y0), options,
        dense(stop))

flat_clamped_gradient(each, gradient, y0_gradient, status, recordings::ClampedRecordings, theta,
    y0, loss::Loss, stop) = clamped_gradient!(dense(each), dense(gradient), dense(y0_gradient),
    dense(status), recordings, dense(theta), dense(y0), loss, dense(stop))

flat_clamped_predict(predicted, recordings::ClampedRecordings, theta, y0, stop) =
    clamped_predict!(dense(predicted), recordings, dense(theta), dense(y0), dense(stop))
