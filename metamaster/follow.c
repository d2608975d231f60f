/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread that reads the state as it is published, and writes the node's status. While the SAN is away it waits inside the kernel,
 * and the main thread goes on serving.
 */
#include "meta.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define POLL_SECONDS 2
#define AGAIN_MS     30000 /* when the newest generation could not be used, it is looked at again */

/* Between the threads. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake;  /* of the follower */
	struct cluster *news; /* not taken yet */
	bool stop, stopped, hurry;
	int event_fd;
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER, .event_fd = -1};
static atomic_uint_least64_t reached;

/* The follower's own. */
static struct follower {
	const struct options *o;
	struct state_area *area;
	struct cluster now;
	uint64_t seen;      /* newest generation on the SAN when it was read, usable or not */
	uint64_t loaded;    /* generation that could be used then */
	uint64_t loaded_ms; /* clock_boot_ms() */
	char warning[256];  /* the last that was told */
	char container[NAME_SIZE];
	char complaint[256];
	struct report report;
} me;

/* --- news -------------------------------------------------------------------------------------------------------- */

static void give_news(struct cluster *c)
{
	uint64_t one = 1;

	pthread_mutex_lock(&shared.lock);
	if (shared.news) {
		cluster_free(shared.news);
		free(shared.news);
	}
	shared.news = c;
	pthread_mutex_unlock(&shared.lock);
	(void)!write(shared.event_fd, &one, sizeof(one));
}

struct cluster *follow_take(void)
{
	struct cluster *c;
	uint64_t count;

	(void)!read(shared.event_fd, &count, sizeof(count));
	pthread_mutex_lock(&shared.lock);
	c = shared.news;
	shared.news = NULL;
	pthread_mutex_unlock(&shared.lock);
	return c;
}

void follow_hurry(void)
{
	pthread_mutex_lock(&shared.lock);
	shared.hurry = true;
	pthread_cond_signal(&shared.wake);
	pthread_mutex_unlock(&shared.lock);
}

void follow_reached(uint64_t generation)
{
	atomic_store(&reached, generation);
	follow_hurry();
}

/* --- the state ------------------------------------------------------------------------------------------------------ */

static void complain(const struct error *e)
{
	if (strncmp(me.complaint, e->text, sizeof(me.complaint) - 1) != 0)
		log_warning("the state cannot be read, what it was stays in force: %s", e->text);
	snprintf(me.complaint, sizeof(me.complaint), "%s", e->text);
}

static int open_area(struct error *e)
{
	struct container_place place;
	int r;

	if (me.area)
		return 0;
	if (me.o->state)
		return state_area_open(me.o->state, true, &me.area, e);
	r = container_find_one(me.container, &place, e);
	return r < 0 ? r : state_area_open(place.state, true, &me.area, e);
}

/* The state twice: one stays with the follower, the other is news for the main thread. */
static int load(struct error *e)
{
	struct cluster *news = calloc(1, sizeof(*news)), mine;
	struct state_report rep;
	int r;

	if (!news)
		return error_errno(e, ENOMEM, "state");
	cluster_init(news);
	cluster_init(&mine);
	r = state_area_load(me.area, news, &rep, e);
	if (r == 0)
		r = state_area_load(me.area, &mine, NULL, e);
	if (r < 0) {
		cluster_free(news);
		free(news);
		return r;
	}
	if (rep.warning[0] && strcmp(rep.warning, me.warning) != 0)
		log_warning("state: %s", rep.warning);
	snprintf(me.warning, sizeof(me.warning), "%s", rep.warning);
	me.loaded_ms = clock_boot_ms();
	if (rep.generation == me.loaded) {
		cluster_free(news);
		free(news);
		cluster_free(&mine);
		return 0;
	}
	log_info("the state is at generation %llu", (unsigned long long)mine.generation);
	me.loaded = rep.generation;
	cluster_free(&me.now);
	me.now = mine;
	give_news(news);
	return 0;
}

/* A text that could not be read may be there again, without a new generation to tell of it. */
static bool is_due(uint64_t generation)
{
	return generation != me.seen || (generation != me.loaded && clock_boot_ms() - me.loaded_ms >= AGAIN_MS);
}

static int read_state(struct error *e)
{
	uint64_t generation = 0;
	int r = open_area(e);

	if (r == 0)
		r = state_area_generation(me.area, &generation, e);
	if (r == 0 && is_due(generation))
		r = load(e);
	if (r == 0)
		me.seen = generation;
	if (r < 0 && me.area) {
		state_area_close(me.area);
		me.area = NULL;
	}
	return r;
}

static void tick(bool leaving)
{
	struct error e = ERROR_INIT;

	if (read_state(&e) < 0) {
		complain(&e);
		return;
	}
	if (me.complaint[0])
		log_notice("the state can be read again");
	me.complaint[0] = '\0';
	if (!me.o->image_dir && !leaving)
		images_follow(&me.now);
	report_tick(&me.report, me.o, &me.now, me.area, atomic_load(&reached), leaving);
}

/* --- the thread ------------------------------------------------------------------------------------------------------ */

/* Waits for the next round. False when it was the last one. */
static bool wait_round(void)
{
	struct timespec until;
	bool stop;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += POLL_SECONDS;
	pthread_mutex_lock(&shared.lock);
	if (!shared.stop && !shared.hurry)
		pthread_cond_timedwait(&shared.wake, &shared.lock, &until);
	shared.hurry = false;
	stop = shared.stop;
	pthread_mutex_unlock(&shared.lock);
	return !stop;
}

static void *follow(void *arg)
{
	(void)arg;
	do
		tick(false);
	while (wait_round());
	tick(true);
	pthread_mutex_lock(&shared.lock);
	shared.stopped = true;
	pthread_cond_broadcast(&shared.wake);
	pthread_mutex_unlock(&shared.lock);
	return NULL;
}

int follow_start(const struct options *o, struct cluster *booted, int *ret_fd, struct error *e)
{
	pthread_condattr_t ca;
	sigset_t all, old;
	pthread_t thread;
	int r;

	me.o = o;
	cluster_init(&me.now);
	snprintf(me.container, sizeof(me.container), "%s", booted ? booted->settings.container_name : "");
	shared.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (shared.event_fd < 0)
		return error_errno(e, errno, "eventfd");
	pthread_condattr_init(&ca);
	pthread_condattr_setclock(&ca, CLOCK_MONOTONIC);
	pthread_cond_init(&shared.wake, &ca);
	if (booted)
		give_news(booted);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&thread, NULL, follow, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0)
		return error_errno(e, r, "starting a thread");
	pthread_detach(thread);
	*ret_fd = shared.event_fd;
	return 0;
}

void follow_stop(void)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 1;
	pthread_mutex_lock(&shared.lock);
	shared.stop = true;
	pthread_cond_broadcast(&shared.wake);
	while (!shared.stopped && pthread_cond_timedwait(&shared.wake, &shared.lock, &until) == 0)
		;
	pthread_mutex_unlock(&shared.lock);
}
