/* The spool's thread, and its ports to event loops.
 *
 *   port (loop 1) ──┐ jobs, in order                        ┌──▶ port (loop 1): done
 *   port (loop 2) ──┴──────▶ queue ──▶ thread: all at once ──┴──▶ port (loop 2): done
 *
 * The thread takes the whole queue. Appends that stand together in it are one group, whoever asked
 * for them: one write and one fdatasync a writer. While that takes its milliseconds the next group
 * gathers, so that the number of syncs does not grow with load.
 *
 * A port lives until spool_free(), since a message to its loop may still be under way when the
 * worker lets go of it; it is closed by then and does nothing. */

#include "collector/spool.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static const uint32_t PORT_MAGIC = 0x706f7274;

enum job_kind { JOB_APPEND, JOB_READ, JOB_FORGET, JOB_GAP };

struct job {
    struct job *next;
    enum job_kind kind;
    struct spool_port *port;
    struct spool_batch batch;   /* of a forget and a gap the name alone */
    struct spool_item item;     /* of an append */
    struct spool_record record; /* of a read */
    enum spool_read read;
    spool_append_fn on_append;
    spool_read_fn on_read;
    void *data;
};

struct job_list {
    struct job *first, *last;
    size_t count;
};

struct spool_port {
    uint32_t magic;
    struct spool *spool;
    struct spool_port *next;
    pthread_mutex_t lock; /* of what follows */
    struct loop *loop;    /* NULL: closed */
    struct job_list done;
    bool is_woken; /* a message is on its way to the loop */
};

struct spool {
    struct spool_store *store; /* the thread's alone, once it runs */
    struct spool_writer *left;
    size_t left_count;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wake;
    struct job_list queue;
    bool is_ending;
    struct spool_port *ports;
    struct spool_state state;
};

/* --- Jobs ------------------------------------------------------------------------------------ */

static void push(struct job_list *list, struct job *job)
{
    job->next = NULL;
    if (list->last != NULL)
        list->last->next = job;
    else
        list->first = job;
    list->last = job;
    list->count++;
}

static struct job *pop(struct job_list *list)
{
    struct job *job = list->first;
    if (job == NULL)
        return NULL;
    list->first = job->next;
    if (list->first == NULL)
        list->last = NULL;
    list->count--;
    return job;
}

static void job_free(struct job *job)
{
    buf_done(&job->batch.payload);
    buf_done(&job->record.payload);
    free(job);
}

static void free_list(struct job_list *list)
{
    struct job *job;
    while ((job = pop(list)) != NULL)
        job_free(job);
}

static struct job *job_new(struct spool_port *port, const struct job *filled)
{
    struct job *job = malloc(sizeof(*job));
    if (job == NULL)
        abort();
    assert(port->magic == PORT_MAGIC && port->loop != NULL);
    *job = *filled;
    job->port = port;
    return job;
}

/* The thread takes what is in the queue as a whole: these jobs are not torn apart. */
static void submit_all(struct spool *spool, struct job_list *jobs)
{
    struct job *job;
    pthread_mutex_lock(&spool->lock);
    while ((job = pop(jobs)) != NULL)
        push(&spool->queue, job);
    pthread_cond_signal(&spool->wake);
    pthread_mutex_unlock(&spool->lock);
}

static void submit(struct spool_port *port, const struct job *filled)
{
    struct job_list jobs = {0};
    push(&jobs, job_new(port, filled));
    submit_all(port->spool, &jobs);
}

/* --- Back to the loops ----------------------------------------------------------------------- */

static void call_back(struct job *job)
{
    if (job->kind == JOB_APPEND)
        job->on_append(job->item.result, &job->batch, job->data);
    else
        job->on_read(job->read, job->read == SPOOL_RECORD ? &job->record : NULL, job->data);
    job_free(job);
}

/* On the port's loop. */
static void on_done(void *data)
{
    struct spool_port *port = data;
    assert(port->magic == PORT_MAGIC);
    pthread_mutex_lock(&port->lock);
    struct job_list done = port->done;
    port->done = (struct job_list){0};
    port->is_woken = false;
    pthread_mutex_unlock(&port->lock);
    struct job *job;
    while ((job = pop(&done)) != NULL)
        call_back(job);
}

static void hand_back(struct job *job)
{
    struct spool_port *port = job->port;
    pthread_mutex_lock(&port->lock);
    bool is_heard = port->loop != NULL && (job->kind == JOB_APPEND || job->kind == JOB_READ);
    if (is_heard)
        push(&port->done, job);
    if (is_heard && !port->is_woken) {
        port->is_woken = true;
        loop_post(port->loop, on_done, port);
    }
    pthread_mutex_unlock(&port->lock);
    if (!is_heard)
        job_free(job);
}

/* --- The thread ------------------------------------------------------------------------------ */

/* Before anybody hears of what has changed it. */
static void publish_state(struct spool *spool)
{
    struct spool_state state;
    spool_store_state(spool->store, &state);
    pthread_mutex_lock(&spool->lock);
    spool->state = state;
    pthread_mutex_unlock(&spool->lock);
}

/* The appends at the front of the list, as one group. */
static void run_appends(struct spool *spool, struct job_list *jobs)
{
    struct job_list group = {0};
    while (jobs->first != NULL && jobs->first->kind == JOB_APPEND)
        push(&group, pop(jobs));
    struct spool_item **items = reallocarray(NULL, group.count, sizeof(struct spool_item *));
    if (items == NULL)
        abort();
    size_t count = 0;
    for (struct job *job = group.first; job != NULL; job = job->next) {
        job->item = (struct spool_item){.writer = job->batch.writer,
                                        .number = job->batch.number,
                                        .payload = buf_str(&job->batch.payload)};
        items[count++] = &job->item;
    }
    spool_store_append(spool->store, items, count);
    free(items);
    publish_state(spool);
    struct job *job;
    while ((job = pop(&group)) != NULL)
        hand_back(job);
}

static void run_one(struct spool *spool, struct job *job)
{
    struct spool_store *store = spool->store;
    switch (job->kind) {
    case JOB_READ:
        job->read = spool_store_read(store, job->batch.writer, &job->record);
        break;
    case JOB_FORGET:
        spool_store_forget(store, job->batch.writer, job->batch.number);
        break;
    case JOB_GAP:
        spool_store_gap(store, job->batch.writer, job->batch.number);
        break;
    case JOB_APPEND:
        assert(false);
        break;
    }
    publish_state(spool);
    hand_back(job);
}

/* Waits for jobs; false when there are none and there will be none. */
static bool take_jobs(struct spool *spool, struct job_list *ret_jobs)
{
    pthread_mutex_lock(&spool->lock);
    while (spool->queue.first == NULL && !spool->is_ending)
        pthread_cond_wait(&spool->wake, &spool->lock);
    *ret_jobs = spool->queue;
    spool->queue = (struct job_list){0};
    pthread_mutex_unlock(&spool->lock);
    return ret_jobs->first != NULL;
}

static void *run(void *data)
{
    struct spool *spool = data;
    struct job_list jobs;
    while (take_jobs(spool, &jobs)) {
        while (jobs.first != NULL) {
            if (jobs.first->kind == JOB_APPEND)
                run_appends(spool, &jobs);
            else
                run_one(spool, pop(&jobs));
        }
    }
    return NULL;
}

/* Signals are for the threads that expect them. */
static bool start_thread(struct spool *spool)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&spool->thread, NULL, run, spool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0;
}

/* --- For the process ------------------------------------------------------------------------- */

static void spool_done(struct spool *spool)
{
    while (spool->ports != NULL) {
        struct spool_port *port = spool->ports;
        spool->ports = port->next;
        assert(port->loop == NULL);
        pthread_mutex_destroy(&port->lock);
        free(port);
    }
    spool_store_close(spool->store);
    pthread_cond_destroy(&spool->wake);
    pthread_mutex_destroy(&spool->lock);
    free(spool->left);
    free(spool);
}

struct spool *spool_new(const struct spool_options *options, char *error, size_t error_bytes)
{
    struct spool_store *store = spool_store_open(options, error, error_bytes);
    if (store == NULL)
        return NULL;
    struct spool *spool = calloc(1, sizeof(*spool));
    if (spool == NULL)
        abort();
    spool->store = store;
    spool->left_count = spool_store_writers(store, &spool->left);
    spool_store_state(store, &spool->state);
    pthread_mutex_init(&spool->lock, NULL);
    pthread_cond_init(&spool->wake, NULL);
    if (!start_thread(spool)) {
        snprintf(error, error_bytes, "no thread can be started for the spool");
        spool_done(spool);
        return NULL;
    }
    return spool;
}

void spool_free(struct spool *spool)
{
    if (spool == NULL)
        return;
    pthread_mutex_lock(&spool->lock);
    spool->is_ending = true;
    pthread_cond_signal(&spool->wake);
    pthread_mutex_unlock(&spool->lock);
    pthread_join(spool->thread, NULL);
    spool_done(spool);
}

size_t spool_left(const struct spool *spool, const struct spool_writer **ret_writers)
{
    *ret_writers = spool->left;
    return spool->left_count;
}

void spool_get_state(struct spool *spool, struct spool_state *ret_state)
{
    pthread_mutex_lock(&spool->lock);
    *ret_state = spool->state;
    pthread_mutex_unlock(&spool->lock);
}

/* --- For a loop ------------------------------------------------------------------------------ */

struct spool_port *spool_port_new(struct spool *spool, struct loop *loop)
{
    struct spool_port *port = calloc(1, sizeof(*port));
    if (port == NULL)
        abort();
    port->magic = PORT_MAGIC;
    port->spool = spool;
    port->loop = loop;
    pthread_mutex_init(&port->lock, NULL);
    pthread_mutex_lock(&spool->lock);
    port->next = spool->ports;
    spool->ports = port;
    pthread_mutex_unlock(&spool->lock);
    return port;
}

void spool_port_free(struct spool_port *port)
{
    if (port == NULL)
        return;
    pthread_mutex_lock(&port->lock);
    port->loop = NULL;
    struct job_list done = port->done;
    port->done = (struct job_list){0};
    pthread_mutex_unlock(&port->lock);
    free_list(&done);
}

void spool_append_group(struct spool_port *port, struct spool_batch *batches, void *const *datas,
                        size_t count, spool_append_fn done)
{
    struct job_list jobs = {0};
    for (size_t i = 0; i < count; i++) {
        push(&jobs, job_new(port, &(struct job){.kind = JOB_APPEND,
                                                .batch = batches[i],
                                                .on_append = done,
                                                .data = datas[i]}));
        batches[i].payload = (struct buf){0};
    }
    submit_all(port->spool, &jobs);
}

void spool_append(struct spool_port *port, struct spool_batch *batch, spool_append_fn done,
                  void *data)
{
    spool_append_group(port, batch, &data, 1, done);
}

void spool_read(struct spool_port *port, uint64_t writer, spool_read_fn done, void *data)
{
    submit(port,
           &(struct job){.kind = JOB_READ, .batch.writer = writer, .on_read = done, .data = data});
}

void spool_forget(struct spool_port *port, uint64_t writer, uint64_t number)
{
    submit(port, &(struct job){.kind = JOB_FORGET, .batch = {.writer = writer, .number = number}});
}

void spool_gap(struct spool_port *port, uint64_t writer, uint64_t number)
{
    submit(port, &(struct job){.kind = JOB_GAP, .batch = {.writer = writer, .number = number}});
}
