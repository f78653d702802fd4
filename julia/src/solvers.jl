# Solvers by name. Those of a few milliseconds' loading are there from the start; the others are
# loaded when they are first asked for.

const LATER = Dict(
    "kencarp4" => ("OrdinaryDiffEqSDIRK", "2d112036-d095-4a1e-ab9a-08536f3ecdbf", :KenCarp4),
    "trbdf2" => ("OrdinaryDiffEqSDIRK", "2d112036-d095-4a1e-ab9a-08536f3ecdbf", :TRBDF2),
    "fbdf" => ("OrdinaryDiffEqBDF", "6ad6398a-0878-4a85-9266-38940aa047c8", :FBDF),
    "vern7" => ("OrdinaryDiffEqVerner", "79d7bb75-1356-48c1-b8c0-6832512096c2", :Vern7),
)

"""
    algorithm(name)

The method called `name`: `"auto"` starts with Tsit5 and goes over to Rodas5P where the equations
are stiff.
"""
function algorithm(name::AbstractString)
    # A few states: LAPACK's calls take longer than the arithmetic.
    linsolve = SimpleLUFactorization()
    name == "auto" && return AutoTsit5(Rodas5P(; linsolve))
    name == "rodas5p" && return Rodas5P(; linsolve)
    name == "rodas4p" && return Rodas4P(; linsolve)
    name == "tsit5" && return PlainTsit5()
    name == "rosenbrock23" && return Rosenbrock23(; linsolve)
    choose("solver", name, SOLVERS)
    package, uuid, symbol = LATER[name]
    key = Base.PkgId(Base.UUID(uuid), package)
    loaded = try
        Base.require(key)
    catch err
        err isa InterruptException && rethrow()
        throw(InputError("solver \"$name\" needs the package $package, which could not be loaded: " *
            first(split(sprint(showerror, err), '\n'))))
    end
    name == "trbdf2" && return Base.invokelatest(getglobal(loaded, symbol); smooth_est=false)
    return Base.invokelatest(getglobal(loaded, symbol))
end

"As `algorithm`, without the loops that are only for numbers of one type."
general_algorithm(name) = name == "tsit5" ? Tsit5() : algorithm(name)

"Which step the adjoint takes for one of `alg`: its own where it is known, else Rodas5P's."
adjoint_kind(::Rodas4P, integrator) = 0x02
adjoint_kind(::CompositeAlgorithm, integrator) = integrator.cache.current == 1 ? 0x03 : 0x01
adjoint_kind(alg, integrator) = 0x01

"""
How to solve: tolerances as in the Python package; `atol` is for gates, times `v_scale` for v.
`single` asks for single precision.
"""
struct Options
    solver::String
    rtol::Float64
    atol::Float64
    v_scale::Float64
    max_steps::Int
    dt_max::Float64
    single::Bool
end

Options(; solver="auto", rtol=1e-6, atol=1e-8, v_scale=10.0, max_steps=100_000, dt_max=Inf,
    single=false) = Options(solver, rtol, atol, v_scale, max_steps, dt_max, single)

"""
Factor on both tolerances. TRBDF2 is of second order, and its global error goes down with the
tolerance to the power 2/3 only: at a twentieth it is as accurate as the other methods are at the
default tolerance.
"""
tolerance_factor(options::Options) = options.solver == "trbdf2" ? 0.05 : 1.0

"Absolute tolerance of state `j` of `system`."
function absolute(options::Options, j::Int, system::System)
    atol = tolerance_factor(options) * options.atol
    is_program(system) && system.states[j] == "ca" && return SMALL_CONCENTRATION * atol
    return j == 1 ? atol * options.v_scale : atol
end

"What the absolute tolerance is multiplied with for a concentration in mM."
const SMALL_CONCENTRATION = 1e-3

"""
Steps that a solve may have taken when it is at `t` and has passed `breaks` breakpoints:
`max_steps`, and as many again for each second and for each hundred breakpoints.
"""
@inline step_limit(options::Options, t, breaks::Int) =
    options.max_steps * (1 + floor(Int, t / 1000) + breaks ÷ 100)

"How OrdinaryDiffEq is told about `options`, for a solve from 0 to `t1`."
keywords(options::Options, system::System, t1, breaks::Int=0) = (
    abstol=[absolute(options, j, system) for j in 1:n_states(system)], reltol=tolerance_factor(options) * options.rtol,
    maxiters=step_limit(options, t1, breaks), dtmax=min(options.dt_max, t1), verbose=false)

function record!(tape::Tape, integrator, piece::Int, alg)
    t0, t1, kind = integrator.tprev, integrator.t, adjoint_kind(alg, integrator)
    n = length(integrator.uprev)
    if alg_order(alg) <= 5
        push_step!(tape, t0, t1, piece, kind, integrator.uprev, n)
    else
        # A method of higher order takes longer steps than Rodas5P can differentiate as well.
        middle = (t0 + t1) / 2
        push_step!(tape, t0, middle, piece, kind, integrator.uprev, n)
        push_step!(tape, middle, t1, piece, kind, integrator(middle), n)
    end
    return nothing
end

record!(::Nothing, integrator, piece::Int, alg) = nothing

"How a solve ended, and what it took."
struct Outcome
    status::Status
    n_steps::Int
    n_rejected::Int
    n_f_evals::Int
end

status_of(code) =
    code == ReturnCode.MaxIters ? MAX_STEPS :
    code == ReturnCode.DtLessThanMin ? STEP_UNDERFLOW :
    code in (ReturnCode.Default, ReturnCode.Success) ? SUCCESS : NONFINITE

"""
    integrate!(samples, times, y0, element, alg, options, stop, tape, work;
        t1=last(times), steps=nothing)

Solve from t = 0 and `y0` to `t1`; the states at `times` into `samples` (S, T), NaN where the solve
did not arrive. `stop[1]` is looked at in every step; `tape` records them, or is nothing, and
`steps` the voltage on them. `work` is memory, for the methods that are stepped here.
"""
function integrate!(
    samples, times, y0, element::Element, alg, options::Options, stop, tape, work=nothing;
    t1=last(times), steps=nothing,
)
    next = first_samples!(samples, times, y0, element)
    t1 > 0 || return Outcome(SUCCESS, 0, 0, 0)
    all(isfinite, y0) || return Outcome(NONFINITE, 0, 0, 0)
    problem = ODEProblem{true,FullSpecialize}(ode_function(element), y0, (0.0, t1))
    breaks = breakpoints(element.cursor.protocols, element.cursor.protocol, t1)
    integrator = init(problem, alg; keywords(options, element.model.system, t1, length(breaks))...,
        save_everystep=false, save_start=false, save_end=false, dense=false, calck=true,
        tstops=breaks)
    status = try
        integrate_steps!(
            integrator, samples, times, next, element, alg, options, stop, tape, t1, steps)
    catch err
        # A state that is no longer finite may end inside the factorisation of a matrix.
        err isa SingularException || err isa LAPACKException || rethrow()
        NONFINITE
    end
    stats = integrator.stats
    return Outcome(status, stats.naccept, stats.nreject, stats.nf)
end

"Samples at or before the start, and the place of the first one after it."
function first_samples!(samples, times, y0, element::Element)
    fill!(samples, NaN)
    next = 1
    while next <= length(times) && times[next] <= 0
        samples[:, next] .= y0
        next += 1
    end
    return next
end

function integrate_steps!(
    integrator, samples, times, next::Int, element::Element, alg, options, stop, tape, t1, steps
)
    cursor, bounded, n = element.cursor, element.model.system.bounded, length(times)
    value, first_piece = similar(integrator.u), cursor.piece
    while integrator.t < t1
        stop[1] == 0 || return INTERRUPTED
        GC.safepoint()
        integrator.iter < step_limit(options, integrator.t, cursor.piece - first_piece) ||
            return MAX_STEPS
        code = step!(integrator)
        status = status_of(code)
        status == SUCCESS || return status
        record!(tape, integrator, cursor.piece, alg)
        watch!(steps, integrator, value)
        while next <= n && times[next] <= integrator.t
            if times[next] == integrator.t
                copyto!(value, integrator.u)
            else
                integrator(value, times[next])
            end
            store!(samples, next, value, bounded)
            next += 1
        end
        if integrator.t >= next_break(cursor)
            while integrator.t >= next_break(cursor)
                cursor.piece += 1
            end
            # What was evaluated at the end of the step belongs to the piece before.
            u_modified!(integrator, true)
        end
    end
    return SUCCESS
end

"A sample with the bounded gates in [0, 1], where the exact solution is."
@inline function store!(samples, i::Int, value, bounded)
    @inbounds for j in eachindex(value)
        samples[j, i] = bounded[j] ? clamp(value[j], 0.0, 1.0) : value[j]
    end
    return nothing
end
