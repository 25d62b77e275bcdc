-- What a team writes beside a job queue in the same database: jobs, lots, holds, and three functions.
-- One function a request, so that each request is one round trip and one commit.

create schema app;

create table app.lots (
  id bigint generated always as identity primary key,
  workspace text not null,
  granted bigint not null,
  available bigint not null check (available >= 0),
  held bigint not null default 0 check (held >= 0),
  consumed bigint not null default 0 check (consumed >= 0),
  expires_at timestamptz not null default 'infinity',
  check (granted = available + held + consumed)
) with (fillfactor = 50); -- room on the page: every hold and settle updates a lot in place
create index lots_in_order on app.lots (workspace, expires_at, id);

create table app.jobs (
  id bigint generated always as identity primary key,
  workspace text not null,
  idempotency_key text not null,
  params jsonb not null,
  price bigint not null,
  state text not null default 'queued',
  output jsonb,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  unique (workspace, idempotency_key)
) with (fillfactor = 70);

create table app.holds (
  job bigint not null,
  lot bigint not null,
  amount bigint not null,
  settled boolean not null default false,
  primary key (job, lot)
) with (fillfactor = 70);

-- Admits a job: the key, the hold over lots in order and the queue entry are one transaction.
create function app.admit(in_workspace text, in_key text, in_params jsonb, in_price bigint) returns bigint
language plpgsql as $$
declare
  v_job bigint;
  v_left bigint := in_price;
  v_take bigint;
  v_lot record;
begin
  insert into app.jobs (workspace, idempotency_key, params, price)
  values (in_workspace, in_key, in_params, in_price)
  on conflict do nothing returning id into v_job;
  if v_job is null then
    select id into strict v_job from app.jobs where workspace = in_workspace and idempotency_key = in_key;
    return v_job;
  end if;
  for v_lot in
    select id, available from app.lots
    where workspace = in_workspace and expires_at > now() and available > 0
    order by expires_at, id for update
  loop
    v_take := least(v_left, v_lot.available);
    update app.lots set available = available - v_take, held = held + v_take where id = v_lot.id;
    insert into app.holds (job, lot, amount) values (v_job, v_lot.id, v_take);
    v_left := v_left - v_take;
    exit when v_left = 0;
  end loop;
  if v_left > 0 then
    raise exception 'insufficient_credits' using errcode = 'P0402';
  end if;
  perform graphile_worker.add_job('render', json_build_object('job', v_job));
  return v_job;
end $$;

-- Settles a job's hold and notes its output; false when that was done before.
create function app.settle(in_job bigint, in_output jsonb) returns boolean
language plpgsql as $$
begin
  update app.jobs set state = 'succeeded', output = in_output, finished_at = now()
  where id = in_job and state = 'queued';
  if not found then
    return false;
  end if;
  with parts as (
    update app.holds set settled = true where job = in_job and not settled returning lot, amount
  )
  update app.lots set held = held - amount, consumed = consumed + amount from parts where lots.id = parts.lot;
  return true;
end $$;

-- Admissions of many requests in one transaction; a job's id for each, null where credits do not suffice. Requests are
-- taken in order of workspace, and lots in order of use, so that two such calls never wait for each other.
create function app.admit_many(in_workspaces text[], in_keys text[], in_params jsonb[], in_price bigint)
returns table (n bigint, job bigint)
language plpgsql as $$
declare
  v_request record;
  v_lot record;
  v_left bigint;
  v_take bigint;
  v_specs graphile_worker.job_spec[] := '{}';
begin
  for v_request in
    select * from unnest(in_workspaces, in_keys, in_params) with ordinality as r (workspace, key, params, n)
    order by r.workspace, r.key, r.n
  loop
    n := v_request.n;
    insert into app.jobs (workspace, idempotency_key, params, price)
    values (v_request.workspace, v_request.key, v_request.params, in_price)
    on conflict do nothing returning id into job;
    if job is null then
      select id into strict job from app.jobs
      where workspace = v_request.workspace and idempotency_key = v_request.key;
      return next;
      continue;
    end if;
    v_left := in_price;
    for v_lot in
      select id, available from app.lots
      where workspace = v_request.workspace and expires_at > now() and available > 0
      order by expires_at, id for update
    loop
      v_take := least(v_left, v_lot.available);
      update app.lots set available = available - v_take, held = held + v_take where id = v_lot.id;
      insert into app.holds (job, lot, amount) values (admit_many.job, v_lot.id, v_take);
      v_left := v_left - v_take;
      exit when v_left = 0;
    end loop;
    if v_left > 0 then
      -- All or nothing for this request alone: the others of the batch go on.
      update app.lots set available = available + h.amount, held = held - h.amount
      from app.holds h where h.job = admit_many.job and lots.id = h.lot;
      delete from app.holds h where h.job = admit_many.job;
      delete from app.jobs where id = admit_many.job;
      job := null;
    else
      v_specs := v_specs || row('render', json_build_object('job', job), null, null, null, null, null, null)
        ::graphile_worker.job_spec;
    end if;
    return next;
  end loop;
  if array_length(v_specs, 1) > 0 then
    perform graphile_worker.add_jobs(v_specs);
  end if;
end $$;

-- Settles of many jobs in one transaction, with the lots locked in the order in which an admission locks them.
create function app.settle_many(in_jobs bigint[], in_outputs jsonb[]) returns bigint
language plpgsql as $$
declare
  v_done bigint[];
begin
  with done as (
    update app.jobs set state = 'succeeded', output = given.output, finished_at = now()
    from unnest(in_jobs, in_outputs) as given (job, output)
    where jobs.id = given.job and jobs.state = 'queued' returning jobs.id
  )
  select array_agg(id) into v_done from done;
  perform 1 from app.lots
  where id in (select lot from app.holds where job = any (v_done) and not settled)
  order by workspace, expires_at, id for update;
  with parts as (
    update app.holds set settled = true where job = any (v_done) and not settled returning lot, amount
  ), sums as (
    select lot, sum(amount) as amount from parts group by lot
  )
  update app.lots set held = held - sums.amount, consumed = consumed + sums.amount
  from sums where lots.id = sums.lot;
  return coalesce(array_length(v_done, 1), 0);
end $$;

-- The same life without credits.
create function app.admit_free(in_workspace text, in_key text, in_params jsonb) returns bigint
language plpgsql as $$
declare
  v_job bigint;
begin
  insert into app.jobs (workspace, idempotency_key, params, price)
  values (in_workspace, in_key, in_params, 0)
  on conflict do nothing returning id into v_job;
  if v_job is null then
    select id into strict v_job from app.jobs where workspace = in_workspace and idempotency_key = in_key;
    return v_job;
  end if;
  perform graphile_worker.add_job('render', json_build_object('job', v_job));
  return v_job;
end $$;

create function app.finish_free(in_job bigint, in_output jsonb) returns boolean
language sql as $$
  update app.jobs set state = 'succeeded', output = in_output, finished_at = now()
  where id = in_job and state = 'queued' returning true
$$;
