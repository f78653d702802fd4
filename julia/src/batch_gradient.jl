# Losses, gradients and predictions of many recordings and parameter sets, over threads.

"""
    loss_and_gradient!(each, gradient, y0_gradient, status, stats, recordings, theta, y0, loss,
        options, stop, ends)

Loss of every recording, `each` (R, K), and the gradient of their mean, that of `theta` and, where
`y0` is given, (S, R, K). Where a solve failed the loss is Inf and the gradient of its set zero.
"""
function loss_and_gradient!(
    each, gradient, y0_gradient, status, stats, recordings::Recordings, theta, y0, loss::Loss,
    options::Options, stop, ends::Ends=NO_ENDS,
)
    alg = algorithm(options.solver)
    return Base.invokelatest(gradient_all!, each, gradient, y0_gradient, status, stats, recordings,
        theta, y0, loss, alg, options, stop, ends)
end

function gradient_all!(
    each, gradient, y0_gradient, status, stats, recordings, theta, y0, loss, alg, options, stop,
    ends,
)
    (n, sets), cells = size(status), recordings.cells
    parts = zeros(size(theta, 1), n, sets)
    call = GradientCall(each, parts, y0_gradient, status, stats, recordings, theta, y0, loss,
        options, stop, ends, Int[], Threads.SpinLock())
    which = !in_blocks(options, n * sets, recordings.system, GRADIENTS_IN_BLOCKS) ? collect(1:(n * sets)) :
        in_portions!(call)
    gradient_each!(call, which, alg)
    # Summed in one order whatever the threads did: the same call gives the same bits.
    gradient .= 0
    for k in 1:sets, r in 1:n
        gradient[:, column_of(gradient, cells, r, k, sets)] .+= (@view parts[:, r, k]) ./ n
    end
    no_gradient_of_failures!(gradient, y0_gradient, status)
    return nothing
end

"Loss and gradient of the elements `which`, one by one."
function gradient_each!(call::GradientCall, which, alg)
    recordings, theta, y0 = call.recordings, call.theta, call.y0
    n, sets = size(call.status)
    each_element(() -> Worker(recordings.system), recordings.system.pool, length(which),
        call.stop) do worker, i
        r, k = pair_of(call, which[i])
        start = size(y0, 2) == 0 ? nothing : given_start(y0, r, k)
        bind!(worker.model, @view theta[:, column_of(theta, recordings.cells, r, k, sets)])
        value, outcome = element_gradient!((@view call.parts[:, r, k]), worker, recordings, r, k,
            start, call.loss, alg, call.options, call.stop, call.ends)
        start === nothing || (call.y0_gradient[:, r, k] .= worker.start_bar ./ n)
        call.each[r, k], ended = judged(value, outcome)
        call.status[r, k] = Int(ended)
        call.stats[:, r, k] .= (outcome.n_steps, outcome.n_rejected, outcome.n_f_evals)
    end
    return nothing
end

"Zero gradients of the parameter sets of which any recording failed."
function no_gradient_of_failures!(gradient, y0_gradient, status)
    count = size(gradient, 2) ÷ size(status, 2)
    for k in axes(status, 2)
        any(!=(0), @view status[:, k]) || continue
        gradient[:, ((k - 1) * count + 1):(k * count)] .= 0
        isempty(y0_gradient) || (y0_gradient[:, :, k] .= 0)
    end
    return nothing
end

"Of a solve that went well with a loss that is not finite: the loss is Inf and the status says so."
function judged(value, outcome::Outcome)
    outcome.status == SUCCESS || return Inf, outcome.status
    return isfinite(value) ? (value, SUCCESS) : (Inf, NONFINITE)
end

"Loss of one recording and its gradient, into `gradient` and `worker.start_bar`."
function element_gradient!(
    gradient, worker::Worker, recordings::Recordings, r::Int, k::Int, start, loss, alg, options,
    stop, ends::Ends,
)
    system, targets, model = recordings.system, recordings.targets, worker.model
    element = Element(model, recordings.protocols, r)
    times = targets.t[r]
    y0 = start === nothing ? start_state(element, recordings.v0[r]) : start
    samples, bars = room!(worker, length(times)).samples, worker.bars
    tape = empty!(worker.tape)
    outcome = integrate!(samples, times, y0, element, alg, options, stop, tape, worker.explicit)
    fill!(worker.start_bar, 0)
    outcome.status == SUCCESS || return Inf, outcome
    value = sample_bars!(bars, gradient, samples, recordings, r, element, loss)
    value += end_bars!(bars, samples, ends, r, k, is_clamped(element))
    adjoint!(worker.start_bar, gradient, bars, samples, times, tape, element, worker.work)
    start === nothing && steady_state_pullback!(gradient, y0[1], worker.start_bar, model)
    return value, outcome
end

"Loss of the samples of recording `r`; what flows back from it to them into `bars` (S, T)."
function sample_bars!(
    bars, gradient, samples, recordings::Recordings, r::Int, element::Element, loss::Loss
)
    n = size(samples, 2)
    fill!(bars, 0)
    predicted, by_sample = zeros(n), zeros(n)
    observed!(predicted, samples, recordings.targets.t[r], element, recordings.current)
    v_clip = recordings.current ? Inf : loss.v_clip
    value = loss!(by_sample, predicted, recordings.targets, r, loss, v_clip)
    if !recordings.current
        loss.spikes > 0 && (value += spike_loss!(by_sample, predicted, recordings.targets, r, loss))
        bars[1, :] .= by_sample
        return value
    end
    for i in findall(!=(0), by_sample)
        current_pullback!((@view bars[:, i]), gradient, element.model, (@view samples[:, i]),
            by_sample[i])
    end
    bars[1, :] .= 0
    return value
end

"""
    predict!(predicted, status, recordings, theta, y0, options, stop)

What each recording should have observed, one after the other: `predicted` (N, K).
"""
function predict!(predicted, status, recordings::Recordings, theta, y0, options::Options, stop)
    alg = algorithm(options.solver)
    return Base.invokelatest(
        predict_all!, predicted, status, recordings, theta, y0, alg, options, stop)
end

function predict_all!(predicted, status, recordings, theta, y0, alg, options, stop)
    call = PredictionCall(predicted, status, recordings, theta, y0, options, stop, Int[],
        Threads.SpinLock())
    count = length(status)
    return predict_each!(call, in_blocks(options, count, recordings.system) ? in_portions!(call) : 1:count, alg)
end

"Predictions of the elements `which`, one by one."
function predict_each!(call::PredictionCall, which, alg)
    recordings, y0, theta = call.recordings, call.y0, call.theta
    cells, targets, sets = recordings.cells, recordings.targets, size(call.status, 2)
    make() = Worker(recordings.system)
    each_element(make, recordings.system.pool, length(which), call.stop) do worker, i
        r, k = pair_of(call, which[i])
        model = bind!(worker.model, @view theta[:, column_of(theta, cells, r, k, sets)])
        element = Element(model, recordings.protocols, r)
        times = targets.t[r]
        start = size(y0, 2) == 0 ? start_state(element, recordings.v0[r]) : given_start(y0, r, k)
        samples = room!(worker, length(times)).samples
        outcome = integrate!(samples, times, start, element, alg, call.options, call.stop, nothing,
            worker.explicit)
        call.status[r, k] = Int(outcome.status)
        into = @view call.predicted[samples_of(targets, r), k]
        observed!(into, samples, times, element, recordings.current)
    end
    return nothing
end
