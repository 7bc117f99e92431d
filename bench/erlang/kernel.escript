#!/usr/bin/env escript
%% The same work by Erlang/OTP: reads one name a line, does one round of it, prints its samples on one line.
-mode(compile).

main(_) -> loop().

loop() ->
    case io:get_line("") of
        eof -> ok;
        Line ->
            Samples = round_of(string:trim(Line)),
            io:format("~s~n", [lists:join(" ", [float_to_list(float(S), [{decimals, 3}]) || S <- Samples])]),
            loop()
    end.

round_of("one-way") -> Sink = spawn_link(fun() -> sink(0) end), S = [one_way(Sink) || _ <- lists:seq(1, 20)], stop(Sink), S;
round_of("ask") -> {ok, Pid} = gen_server_start(), S = [ask(Pid) || _ <- lists:seq(1, 5000)], stop(Pid), S;
round_of("restart") -> restarts(300);
round_of("spawn") -> [spawns(10000)].

micros(Fun) -> Began = erlang:monotonic_time(nanosecond), Fun(), (erlang:monotonic_time(nanosecond) - Began) / 1000.

stop(Pid) -> unlink(Pid), Ref = monitor(process, Pid), exit(Pid, kill), receive {'DOWN', Ref, _, _, _} -> ok end.

%% 5,000 messages to one process, and its answer that all are handled: messages a second.
one_way(Sink) ->
    Time = micros(fun() -> send(Sink, 5000), Sink ! {total, self()}, receive {total, _} -> ok end end),
    5000 / (Time / 1000000).
send(_, 0) -> ok;
send(Sink, N) -> Sink ! count, send(Sink, N - 1).
sink(N) -> receive count -> sink(N + 1); {total, From} -> From ! {total, N}, sink(N) end.

%% gen_server:call without a module file: the same protocol, by hand, monitor included.
gen_server_start() -> {ok, spawn_link(fun() -> server(0) end)}.
server(N) -> receive {'$gen_call', {From, Ref}, total} -> From ! {Ref, N}, server(N) end.
ask(Pid) -> micros(fun() -> gen_server:call(Pid, total, 30000) end).

%% A child of supervisor.erl crashes: until its successor has initialised.
restarts(Count) ->
    Self = self(),
    {module, sb_bench_sup} = load_supervisor(),
    {ok, Sup} = supervisor:start_link(sb_bench_sup, Self),
    receive {up, First} -> ok end,
    Samples = restart(Count, First, []),
    stop(Sup),
    Samples.
restart(0, _, Samples) -> Samples;
restart(N, Pid, Samples) ->
    Began = erlang:monotonic_time(nanosecond),
    Pid ! crash,
    receive {up, Next} -> ok end,
    restart(N - 1, Next, [(erlang:monotonic_time(nanosecond) - Began) / 1000 | Samples]).

load_supervisor() ->
    Forms = [parse(Text) || Text <- [
        "-module(sb_bench_sup).",
        "-export([init/1, start/1, child/2]).",
        "init(To) -> {ok, {#{strategy => one_for_one, intensity => 1000000, period => 1},"
        " [#{id => child, start => {sb_bench_sup, start, [To]}}]}}.",
        "start(To) -> proc_lib:start_link(sb_bench_sup, child, [To, self()]).",
        "child(To, Parent) -> proc_lib:init_ack(Parent, {ok, self()}), To ! {up, self()}, receive crash -> exit(crashed) end."
    ]],
    {ok, Module, Binary} = compile:forms(Forms),
    logger:set_primary_config(level, none),
    code:load_binary(Module, "sb_bench_sup.erl", Binary).
parse(Text) -> {ok, Tokens, _} = erl_scan:string(Text), {ok, Form} = erl_parse:parse_form(Tokens), Form.

%% Processes that a supervisor (simple_one_for_one) starts and that acknowledge their start: a second.
spawns(Count) ->
    Self = self(),
    load_pool(),
    {ok, Sup} = supervisor:start_link(sb_bench_pool, []),
    Time = micros(fun() -> [{ok, _} = supervisor:start_child(Sup, []) || _ <- lists:seq(1, Count)] end),
    unlink(Sup), exit(Sup, kill), Self ! done, receive done -> ok end,
    Count / (Time / 1000000).
load_pool() ->
    Forms = [parse(Text) || Text <- [
        "-module(sb_bench_pool).",
        "-export([init/1, start/0, child/1]).",
        "init(_) -> {ok, {#{strategy => simple_one_for_one}, [#{id => child, start => {sb_bench_pool, start, []}}]}}.",
        "start() -> proc_lib:start_link(sb_bench_pool, child, [self()]).",
        "child(Parent) -> proc_lib:init_ack(Parent, {ok, self()}), receive stop -> ok end."
    ]],
    {ok, Module, Binary} = compile:forms(Forms),
    code:load_binary(Module, "sb_bench_pool.erl", Binary).
