#!/usr/bin/env escript
%%! +S 1
%% Runs scenarios, given as Erlang terms in a file, on OTP's own supervisor, and prints what starts and ends.
%% Scenario: {Number, Tree, Steps, Fails}; Tree: {sup, Name, Strategy, Restart, Significant, AutoShutdown, Intensity, Children} or
%% {worker, Name, Restart, Significant, Shutdown}; Step: {crash | exit, Name} or what is asked of a supervisor,
%% {terminate | restart | delete, Supervisor, Name}, {start, Supervisor, Tree}; Fails: [{Name, [Start]}], from 1.
%% Answers of supervisors are printed last, in order.
-mode(compile).
-export([init/1, start_sup/1, start_worker/1, worker/2]).

main([File]) ->
    logger:set_primary_config(level, none),
    process_flag(trap_exit, true),
    {ok, Scenarios} = file:consult(File),
    lists:foreach(fun run/1, Scenarios).

run({Number, Tree, Steps, Fails}) ->
    register(journal, spawn_link(fun() -> keep(#{fails => Fails, starts => #{}, pids => #{}, names => #{}, lines => [], answers => []}) end)),
    case start_sup(Tree) of
        {ok, Root} ->
            settle(Root),
            lists:foreach(fun(Step) -> perform(Step), settle(Root) end, Steps),
            exit(Root, shutdown),
            receive {'EXIT', Root, _} -> ok end;
        {error, _} -> ok
    end,
    settle(none),
    io:format("# ~p~n", [Number]),
    [io:format("~s~n", [Line]) || Line <- journal(lines) ++ journal(answers)],
    Journal = whereis(journal),
    unlink(Journal), unregister(journal), exit(Journal, kill),
    flush().

perform({What, Name}) -> journal({tell, Name, What});
perform({What, Supervisor, Of}) ->
    Answer = try ask(What, journal({pid, Supervisor}), Of) of
        ok -> ok;
        {ok, _} -> ok;
        {error, Why} when Why =:= not_found; Why =:= running; Why =:= restarting; Why =:= already_present -> Why;
        {error, {already_started, _}} -> already_started;
        {error, _} -> start_failed
    catch exit:_ -> gone end,
    journal({answer, io_lib:format("answer ~s", [Answer])}).

ask(terminate, Pid, Name) -> supervisor:terminate_child(Pid, Name);
ask(restart, Pid, Name) -> supervisor:restart_child(Pid, Name);
ask(delete, Pid, Name) -> supervisor:delete_child(Pid, Name);
ask(start, Pid, Tree) -> supervisor:start_child(Pid, spec(Tree)).

flush() -> receive _ -> flush() after 0 -> ok end.

%% At rest: nothing new was noted in several looks, and no supervisor has a child that it is still starting again.
settle(Root) -> settle(Root, -1, 0).
settle(_, _, 4) -> ok;
settle(Root, Count, Same) ->
    timer:sleep(1),
    Busy = is_pid(Root) andalso restarting(Root),
    case journal(count) of
        Count when not Busy -> settle(Root, Count, Same + 1);
        Other -> settle(Root, Other, 0)
    end.

restarting(Sup) ->
    try lists:any(fun({_, restarting, _, _}) -> true;
                     ({_, Pid, supervisor, _}) when is_pid(Pid) -> restarting(Pid);
                     (_) -> false end, supervisor:which_children(Sup))
    catch exit:_ -> false end.

%% Supervisors and workers. Both start functions run in the parent, so what they note is in order.
start_sup({sup, Name, _, _, _, _, _, _} = Tree) ->
    N = journal({starting, Name}),
    noted(Name, N, supervisor:start_link(?MODULE, Tree)).

start_worker(Name) ->
    N = journal({starting, Name}),
    noted(Name, N, case journal({fails, Name, N}) of
        true -> {error, fails};
        false -> {ok, spawn_link(?MODULE, worker, [Name, N])}
    end).

noted(Name, N, {ok, Pid}) -> journal({started, Name, N, Pid}), {ok, Pid};
noted(Name, N, {error, Reason}) -> journal({line, line("exited", Name, N, "init_failed")}), {error, Reason}.

init({sup, _, Strategy, _, _, Auto, Intensity, Children}) ->
    {ok, {#{strategy => Strategy, intensity => Intensity, period => 3600, auto_shutdown => Auto}, [spec(Child) || Child <- Children]}}.

spec({worker, Name, Restart, Significant, Shutdown}) ->
    #{id => Name, start => {?MODULE, start_worker, [Name]}, restart => Restart, significant => Significant, shutdown => Shutdown};
spec({sup, Name, _, Restart, Significant, _, _, _} = Tree) ->
    #{id => Name, start => {?MODULE, start_sup, [Tree]}, restart => Restart, significant => Significant, shutdown => infinity, type => supervisor}.

%% Notes its end before it ends; a kill is noted by the journal.
worker(Name, N) ->
    process_flag(trap_exit, true),
    receive
        crash -> journal({line, line("exited", Name, N, "crashed")}), exit(crash);
        exit -> journal({line, line("exited", Name, N, "normal")}), exit(normal);
        {'EXIT', _, Reason} -> journal({line, line("exited", Name, N, "shutdown")}), exit(Reason)
    end.

line(What, Name, N, Why) -> io_lib:format("~s ~s$~p~s", [What, Name, N, case Why of "" -> ""; _ -> [" ", Why] end]).

journal(Request) ->
    Ref = make_ref(),
    journal ! {Request, self(), Ref},
    receive {Ref, Answer} -> Answer end.

keep(State = #{starts := Starts, pids := Pids, names := Names, lines := Lines, answers := Answers}) ->
    receive
        {'DOWN', _, process, Pid, Reason} ->
            {Name, N, Type} = maps:get(Pid, Names),
            %% A worker has noted its own end, unless it was killed.
            case {Type, Reason} of
                {_, killed} -> keep(State#{lines := [line("exited", Name, N, "killed") | Lines]});
                {sup, _} -> keep(State#{lines := [line("exited", Name, N, "shutdown") | Lines]});
                _ -> keep(State)
            end;
        {Request, From, Ref} ->
            {Answer, Next} = case Request of
                {starting, Name} -> N = maps:get(Name, Starts, 0) + 1, {N, State#{starts := Starts#{Name => N}}};
                {fails, Name, N} -> {lists:member(N, proplists:get_value(Name, maps:get(fails, State), [])), State};
                {started, Name, N, Pid} ->
                    erlang:monitor(process, Pid),
                    Type = case proc_lib:translate_initial_call(Pid) of {supervisor, _, _} -> sup; _ -> worker end,
                    {ok, State#{pids := Pids#{Name => Pid}, names := Names#{Pid => {Name, N, Type}}, lines := [line("started", Name, N, "") | Lines]}};
                {line, Line} -> {ok, State#{lines := [Line | Lines]}};
                {tell, Name, What} -> case Pids of #{Name := Pid} -> Pid ! What; _ -> ok end, {ok, State};
                {pid, Name} -> {maps:get(Name, Pids), State};
                {answer, Line} -> {ok, State#{answers := [Line | Answers]}};
                answers -> {lists:reverse(Answers), State};
                count -> {length(Lines), State};
                lines -> {lists:reverse(Lines), State}
            end,
            From ! {Ref, Answer},
            keep(Next)
    end.
