"""Writes services/sandbox/data/projects.json: the sandbox's fifty projects. Run from the root:

    python -m scripts.make_samples

Everything in them is invented. What is not free are the counts (V2 text, section 9: statuses
25/3/6/0/5/5/1/3/1 and one record without any; priorities 15/14/12/9; 32 departments; a level of
effort in each) and the names of the initiatives that come in parts (section 6). Launch dates are
kept as days from the first start, so that there is always something late and something coming.

A block below is one project: its title line (name, department, priority, status, effort, product
owner, IT lead, launch, group, system, T-shirt, readiness, flags), its value, and the four panels of
its brief. Flags: A alignment, H high impact, R retention, T thought leadership, W AI ways of
working. Launch: days as +24, or the text itself. A line that starts with > is a reviewer's comment.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from services.exporting import nested
from services.importing.ids import id_for_name
from store import fields

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "services" / "sandbox" / "data" / "projects.json"
VOTERS = ("Amina", "Jonas", "Priya", "Lucía", "Omar", "Grace")
SPONSORS = ("Ingrid Dahl", "Chidi Okafor", "Hana Sato")
NOMINATORS = ("Amina Haddad", "Jonas Weber", "Priya Raman", "Grace Kim", "Miles Turner")
FLAGS = {
    "A": "alignment",
    "H": "high_impact_work",
    "R": "retention_focus",
    "T": "thought_leadership",
    "W": "ai_ways_of_working",
}
PARENTS = {"Warehouse Cutover: Finance Marts": "Warehouse Cutover"}

BLOCKS = """
🧩 Feedback Platform (v1) | Product / Events / Sales Ops | P1 | In Development | High | Amina Haddad | Dev Patel | +24 | Retention & Intelligence | Salesforce | L | 85 | AHR
One place for every answer, shared within a day
Collects session ratings, exhibitor surveys and call notes in one store and shows each account team what its own customers said this week.
Answers sit in four survey tools with four logins. By the time somebody exports and merges them, the event is two months gone and nobody calls back.
Account teams hear of an unhappy sponsor within a day. We expect to keep two of the eleven sponsors we lost last year without ever hearing why.
A smoke alarm, not a fire report.
> Agree the list of survey tools that close before v2 starts.

⚡ BidSpeed (euna) | Grants / Data | P1 | In Design | Medium | Omar Siddiqui | Eva Lund | ? | Operational AI Layer | GTZenda | M | 55 | AHW
Bids matched the same morning
Reads the euna feed as it is published, maps it to our opportunity types and puts likely bids into the account owner's queue.
The feed is downloaded by hand on Mondays and Thursdays. A bid that opens on Tuesday loses two of its ten working days before anyone sees it.
Five more usable days a bid, about thirty bids a quarter.
Being early is the cheapest advantage there is.

📊 Sponsor Portal Automation (Pre-Event) | Sponsorship / Events | P1 | Paused | High | Lucía Ferrer | | -9 | Operational Excellence | CMS | L | 40 | AHR
Fewer chasing mails, artwork on time
Sponsors upload logos, stand plans and insurance papers themselves; the portal checks sizes and dates and reminds them before we have to.
Three coordinators send roughly nine hundred reminder mails before each large show, and one stand in eight is still built from the wrong plan.
Half of the reminders gone and no rebuilt stands. Paused until the new identity provider is chosen.
Let the checklist do the nagging.
> Waiting for Single Sign-On for Partners. Restart date is open.

📱 Event App : PWA – In-House (v1) | Product | P1 | In Development | High | Hana Sato | Tomasz Nowak | +45 | AI & Engagement | CMS | XL | 70 | AHRT
Own the app, own the data
A web app that installs from the browser: agenda, map, messages and badge, working without a signal in the exhibition hall.
We rent an app for each show. It costs as much as two engineers, and the usage data stays with the vendor when the show ends.
Licence cost falls to hosting cost from the second show on, and every tap becomes something we can learn from.
Stop renting the front door.

🌐 Event Segmentation (v1) | Marketing / Demand Gen | P1 | In Progress | Medium | Priya Raman | Dev Patel | +13 | Demand Gen & Efficiency | Hubspot | M | 90 | AHR
Six audiences in place of one list
Sorts past visitors into six audiences by what they attended, and keeps each audience current for campaigns without an export.
Everybody gets every mail. Unsubscribes doubled in a year and the people we most want to see again are the first to leave.
A third fewer mails sent with no loss of registrations in the pilot; unsubscribes back to the level of two years ago.
Speak to the room you are in.

🤖 Agent Phase 2 (Proposal Generator) | Sales | P1 | In Development | High | Miles Turner | Eva Lund | +66 | AI & Decision Intelligence | Salesforce | L | 60 | AHTW
First draft in ten minutes
Drafts a sponsorship proposal from the account's history, the current price list and two similar deals, with every figure linked to its source.
A proposal takes a salesperson most of a day, and half of them quote prices that have since changed.
About four hundred hours a quarter back to selling; wrong prices stopped at the source.
The blank page is the slowest colleague we have.
> Legal wants the sources shown on the page itself. Agreed.

GTZenda (Process Optimization) | Grants | P1 | In Progress | Medium | Omar Siddiqui | Tomasz Nowak | +31 | Operational Excellence | GTZenda | M | 80 | AH
Eleven approvals down to four
Removes approval steps that never changed an outcome and moves the remaining ones into the screen where the work happens.
An application waits nine days in queues for every day of work. Seven of the eleven approvals were never once refused last year.
Median handling from twelve days to five, with the audit trail intact.
Most of the wait was politeness.

Renewal Early Warning | Customer Success | P1 | In Development | Medium | Grace Kim | Ben Osei | -16 | Retention & Intelligence | Salesforce | M | 75 | AHRW
Ninety days' notice instead of nine
Watches logins, open tickets and unpaid invoices for each account and raises a flag three months before the renewal date.
We learn that a customer leaves from the cancellation itself. Two thirds of last year's losses showed the signs for a quarter.
Every flagged account gets a call. Keeping one in five pays for the work twice over in the first year.
You don't fix a leak by reading the meter.

🔐 Single Sign-On for Partners | IT / Security | P1 | Yet to Start | Medium | Chidi Okafor | Eva Lund | +58 | Operational Reliability | Other | M | 65 | AH
One login, and one place to take it away
Partners and sponsors sign in with their own company's identity; access ends by itself when their person leaves.
There are 2,300 partner passwords in five systems. Last autumn's audit found 410 that belong to people who had left.
Audit finding closed, password tickets down by a third, and the sponsor portal can go ahead.
A key that returns itself.

Warehouse Cutover | Data Platform | P1 | In Progress | High | Priya Raman | Tomasz Nowak | +120 | Operational Reliability | Other | XL | 70 | AH
Nightly loads that finish before breakfast
Moves the reporting warehouse to the managed platform, table by table, with old and new compared each night until they agree.
The present server fails about twice a month, always at month end, and the only person who can restart it is retiring.
Loads end by five instead of nine; nobody is called at night. The old server is switched off in spring.
Change the engine while the car is parked.

Email Deliverability Repair | Marketing | P1 | Completed | Low | Grace Kim | Ben Osei | -45 | Demand Gen & Efficiency | Hubspot | S | 100 | AR
Mails that arrive
Signed all sending domains, retired two that were blocklisted and warmed up a clean one.
One mail in five went to the spam folder without anybody noticing, because the tool counted it as delivered.
Inbox placement rose from 79 to 96 percent in six weeks.
You can't be read from the bin.

🧾 Quote-to-Cash Handoff | Finance | P1 | Unknown | High | Amina Haddad | | TBD | Cross-Functional | Salesforce | L | 20 | AH
An order is typed once
Carries a signed quote into billing with its terms, tax code and purchase order, and stops it where one of them is missing.
Finance types every order again from a PDF. About forty invoices a month go out wrong and are paid late because of it.
Days to first invoice from eleven to three; one and a half posts freed for collections.
The same number should not be typed twice.
> Who owns this since the reorganisation? Nobody could say in the meeting.

Ledger Close Automation | Finance | P1 | Completed | Medium | Ingrid Dahl | Ben Osei | -98 | Operational Excellence | Other | M | 100 | A
Month end in four days
Posts the recurring accruals, reconciles the card accounts and lists what is left for a person to judge.
Closing took nine working days and two weekends of overtime every quarter.
Four days since February, no overtime, and the auditors asked for a copy of the checklist.
Let people judge and let the machine add.

Accessibility Audit Fixes | Product / Design | P1 | Completed | Medium | Lucía Ferrer | Dev Patel | -30 | Cross-Functional | CMS | M | 100 | AT
A site that everyone can use
Fixed the 61 findings of the audit: contrast, labels, keyboard order, captions, and the two forms that trapped the cursor.
Screen reader users could not complete a registration. Two universities had told us that they may not buy from us.
All registration paths pass; both universities renewed.
A ramp helps everyone with a suitcase.

❤️‍🩹 Health Dashboard | Customer Success | P1 | Yet to Start | Medium | Grace Kim | Tomasz Nowak | +150 | Retention & Intelligence | Salesforce | M | 45 | AHR
One honest light for each account
Shows each account's use, tickets, payments and last contact on one page, with the reason for its colour spelled out.
Every team keeps its own sheet of green and red accounts, and the sheets disagree on a third of them.
One view in the Monday meeting, and an hour less of arguing about whose sheet is right.
A check-up is cheaper than surgery.

Lead Scoring Refresh | Marketing / Demand Gen | P2 | Yet to Start | Low | Priya Raman | Ben Osei | TBD | Demand Gen & Efficiency | Hubspot | S | 60 | AH
Sales calls the right forty
Replaces the points table of four years ago with a model fitted to last year's wins, and shows why a lead scored as it did.
A downloaded white paper still counts more than a booked demo. Sales stopped trusting the score and calls by gut feeling.
Fifteen percent more meetings from the same number of calls, going by the back test.
Weigh what was bought, not what was clicked.

🧩 Feedback Platform (v2) | Product / Events / Sales Ops | P2 | Yet to Start | High | Amina Haddad | Dev Patel | +210 | Retention & Intelligence | Salesforce | L | 25 | ART
From answers to themes
Groups free-text answers into themes, follows each theme across events and drafts the reply for the account owner to send.
Nobody reads 14,000 comments. We count the stars and miss the sentence that explains them.
The ten themes of a show on one page two days after it closes.
Ten thousand voices, ten things to do.
> Starts when v1 has run for one full show.

⚡ BidSpeed (cloverleaf) | Grants / Data | P2 | In Development | Medium | Omar Siddiqui | Eva Lund | +77 | Operational AI Layer | GTZenda | M | 65 | AW
The second feed, the same queue
Adds the cloverleaf source to the bid queue, removes what both feeds list and keeps the better description.
Agencies publish on one network or the other. With only one of them we see a bit more than half of the market.
Coverage from 55 to about 85 percent of open bids in our states.
Two nets catch more fish than a bigger one.

📊 Sponsor Portal Automation (Post-Event) | Sponsorship / Events | P2 | Yet to Start | Medium | Lucía Ferrer | | TBD | Retention & Intelligence | CMS | M | 30 | AR
Results while they still remember
Sends each sponsor its leads, scans and session figures within two days of the show, with next year's offer beside them.
The report takes five weeks by hand. By then the budget for next year is spent elsewhere.
Renewal talks start a month earlier; last year's late starters renewed at half the rate of the others.
Ask while the applause is on.

🤖 Agent Phase 2 (Tell Me When Alerts) | Customer Success / Support | P2 | In Progress | Medium | Grace Kim | Tomasz Nowak | +88 | AI & Engagement | Navigator | M | 70 | ARW
Questions that answer themselves later
A customer writes what to watch for in plain words and is told when it happens: a tender, a regulation, a price.
People search for the same thing every morning and give up after a week. Search gave them nothing to come back for.
Weekly active users up by a quarter in the beta group.
Don't call us, we'll call you, kept as a promise.

✉️ Custom Communication | Marketing | P2 | In Design | Medium | Priya Raman | Ben Osei | ? | AI & Personalization | Hubspot | M | 50 | AR
The right mail to the right seat
Builds each newsletter from blocks chosen by what the reader opened, attended and bought, within limits set by the editors.
Eleven newsletters, one text each, for readers who share little more than a mail client.
Click rate doubled in the test with the public-safety audience.
A letter, not a leaflet.

🔎 Unified Site Search | Product | P2 | Unknown | High | Hana Sato | | ? | AI & Personalization | CMS | L | 15 | HT
Search that finds our own things
One index over articles, events, documents and courses, with filters that work and results that say where they come from.
Four search boxes, four answers. The most frequent query last month was the exact title of an article, and it came ninth.
A quarter of the support chats begin with "I can't find"; we want to halve them.
If they can't find it, we didn't publish it.

Exhibitor Self-Check-in | Events | P2 | Completed | Low | Lucía Ferrer | Dev Patel | -62 | Operational Excellence | CMS | S | 100 | A
No queue at the loading dock
Exhibitors check in on a tablet, print their badges and get their hall pass without a desk.
Forty people queued from six in the morning at the spring show, and the desk needed nine helpers.
Longest wait was seven minutes at the summer show, with two helpers.
The shortest queue is no queue.

Contract Clause Finder | Legal | P2 | Yet to Start | Medium | Ingrid Dahl | Eva Lund | +180 | AI & Decision Intelligence | Other | M | 40 | W
Which contracts say that?
Finds every contract with a given kind of clause, shows the paragraph and the date until which it binds us.
When a supplier raised its prices, two lawyers read 180 contracts for a week to see which ones allow it.
The same question answered in minutes, and no missed notice periods (two last year, 46,000 together).
Ctrl+F for promises.

📈 Attribution Model v3 | Data / Analytics | P2 | In Progress | High | Priya Raman | Tomasz Nowak | +135 | AI & Decision Intelligence | Salesforce | L | 60 | AHT
Credit where it is due
Estimates what each channel added by holding out regions, in place of counting the last click.
Last click gives search all the credit. We suspect that it takes a bow for the conferences' work.
A budget of 1.2 million moved on evidence; even a tenth better placed pays for this four times.
The striker didn't pass to himself.

New Joiner Day One | People | P2 | Completed | Low | Chidi Okafor | Ben Osei | -140 | Operational Excellence | Other | S | 100 | A
A working laptop at nine
Orders hardware, accounts and badges from the signed contract and shows the manager what is still missing.
A new colleague waited four days on average for all accounts, and their manager wrote seven tickets.
Everything ready on day one for 46 of the last 48 joiners.
First impressions run on electricity.

Laptop Refresh Programme | IT | P2 | N/A | Low | Chidi Okafor | Eva Lund | N/A | Operational Reliability | Other | S | 0 | 
Handled as normal operations
Replaces laptops older than four years.
Was nominated as a project because of last year's backlog.
Runs in the yearly hardware budget now; listed here so that nobody nominates it again.
Not every task is an initiative.
> Closed as not applicable: line work, not roadmap.

Warehouse Cutover: Finance Marts | Data Platform | P2 | Yet to Start | Medium | Amina Haddad | Tomasz Nowak | +165 | Operational Reliability | Other | M | 35 | A
The figures move last, and agree
Moves the fourteen finance marts once the base tables have agreed for thirty nights running.
Finance can't close a month on two sources. It has to move in one night between two closings.
Month-end reports in minutes; the last reason to keep the old server is gone.
Move house after the movers have practised.

Sponsor Lead Hand-over | Sales Ops | P2 | In Development | Low | Miles Turner | Dev Patel | +6 | Demand Gen & Efficiency | Salesforce | S | 95 | AR
Leads in the sponsor's hands that evening
Sends the scans of a stand to its sponsor the same evening, cleaned, with consent recorded for each person.
Sponsors wait a week for a spreadsheet with double rows, and a tenth of the contacts never agreed to be contacted.
The most frequent complaint in sponsor interviews goes away for two weeks of work.
Fresh bread sells itself.

📱 Event App : PWA – In-House (v2) | Product | TBD | Yet to Start | High | Hana Sato | Tomasz Nowak | TBD | AI & Engagement | CMS | XL | 10 | RT
Meet the person you came for
Suggests people to meet and a free half hour to do it in, from interests that visitors chose to share.
Visitors name meeting people as their first reason to come, and meet four new ones on average.
To be sized after v1 has run at two shows.
The hallway is the product.

🌐 Event Segmentation (v2) | Marketing / Demand Gen | TBD | Yet to Start | Medium | Priya Raman | | ? | AI & Personalization | Hubspot | M | 20 | AR
Audiences that notice a change of mind
Moves a visitor between audiences by recent behaviour, and tells the campaign owner who moved and why.
An audience is fixed at registration. People change their jobs and interests faster than our yearly review.
Would make v1's six audiences last longer than a season.
Yesterday's map of a moving crowd.

🤖 Agent Phase 2 (Personal Document Library) | Sales | TBD | Yet to Start | High | Miles Turner | Eva Lund | TBD | Operational AI Layer | Navigator | L | 15 | TW
Ask your own files
Each user keeps documents in a private library and asks questions over them; nothing in it trains anything.
Customers paste our reports into public chatbots to get a summary, which breaks their own rules and ours.
A reason to stay signed in, and a safe place for what they do anyway.
A librarian who has read only your books.
> Storage cost per user is missing. Come back with a figure.

GTZenda (Full Autonomy) | Grants | TBD | Yet to Start | High | Omar Siddiqui | Tomasz Nowak | ? | Operational AI Layer | GTZenda | XL | 5 | HW
The plain cases go through alone
Decides complete, low-value applications by rule, explains each decision and leaves the rest to people.
Six in ten applications are complete and plain, and wait behind the four that are not.
Only after Process Optimization has held for two quarters, with the auditors' consent.
Autopilot is for cruising, not for landing.

GTZenda (Grants Data API Integration) | Grants / Data | TBD | In Design | Medium | Omar Siddiqui | Dev Patel | +200 | Cross-Functional | GTZenda | M | 45 | A
The public record, without typing it
Reads award data from the public grants interface every night and links it to our applicants.
Two people copy award numbers from a web page for a day each week, and one in fifty is wrong.
Two days a week back, and figures that match the public record.
The data is out there with a label on it.

🎧 Call Summary Assistant | Support | TBD | Yet to Start | Medium | Grace Kim | Ben Osei | TBD | Operational AI Layer | Salesforce | M | 35 | TW
Notes written before the next call
Writes a summary with next steps after each call; the agent corrects it and saves it with one key.
Agents spend six minutes after each call on notes, or none at all when it is busy, which is when we need them.
Five minutes a call in the trial with four agents; quality reviewers preferred the drafts.
Listen first, let something else take the minutes.

Member Card in Wallet | Membership | TBD | Yet to Start | Low | Hana Sato | Dev Patel | +110 | AI & Engagement | CMS | S | 55 | R
The card that is always there
Puts the membership card into the phone's wallet, valid for as long as the membership is.
We print and post 9,000 plastic cards a year; most are at home when they are asked for.
Printing and postage saved from the first year, and a renewal reminder that people see.
Nobody forgets the phone.

Partner Referral Portal | Partnerships | TBD | Unknown | Medium | Miles Turner | | ? | Cross-Functional | Salesforce | M | 10 | H
Partners see what became of their lead
Partners enter a referral, follow its stage and see their commission as it stands.
Referrals come by mail, and the partner hears nothing until a cheque arrives or doesn't. Referrals fell by half in two years.
Status is unclear since the partner team was split; kept for the next meeting.
People send more where they see it land.

Newsroom Style Checker | Editorial | TBD | Yet to Start | Low | Ingrid Dahl | Ben Osei | | AI & Personalization | CMS | S | 30 | TW
House style without the wagging finger
Marks what departs from the style guide while the editor writes, with the rule beside it and a way to disagree.
The copy desk makes the same forty corrections every day.
One hour a day at the copy desk, and a style guide that shows which of its rules nobody follows.
The second pair of eyes that never sighs.

Board Pack Builder | Executive Office | TBD | Yet to Start | Low | Ingrid Dahl | Eva Lund | +125 | Operational Excellence | Other | S | 50 | A
One pack, one set of figures
Collects the figures from their systems on a set day, lays out the pack and lists what changed since the last one.
Eleven people send slides, and on the night before the meeting two of the revenue figures never agree.
Three evenings before each board meeting, six times a year.
Measure once, cut once, print once.

Supplier Onboarding Desk | Finance / Procurement | TBD | Yet to Start | Medium | Amina Haddad | | TBD | Operational Excellence | Other | M | 25 | A
From hello to first order in a week
Suppliers enter their own details; bank data and sanctions lists are checked before anybody types anything.
It takes 31 days and nineteen mails, and the last fraud attempt came in by exactly this door.
A week on average, and a call-back on each new bank account.
A front door with a lock and a bell.

Knowledge Article Freshness | Customer Success / Support | TBD | Yet to Start | Low | Grace Kim | Tomasz Nowak | ? | Retention & Intelligence | Salesforce | S | 40 | RW
No answer older than the product
Finds help articles that describe screens which have since changed and asks their owners to look.
A third of the help articles were written for a menu that is gone. Customers follow them and then write to us.
A tenth fewer tickets of the kind "the button isn't there".
Milk has a date, and so should advice.

Archive Digitisation | Editorial / Research | Not yet Prioritized | Yet to Start | High | Ingrid Dahl | | | Cross-Functional | CMS | XL | 5 | T
Sixty years, searchable
Scans the print archive from 1961 on, reads the text and links each issue to its authors and subjects.
The archive is in a basement with a damp wall. One flood and it is gone.
Hard to put a price on; the licensing team has had four inquiries this year.
The past doesn't back itself up.

Interview Transcripts Library | Research | Not yet Prioritized | Yet to Start | Medium | Hana Sato | Dev Patel | ? | Retention & Intelligence | Other | M | 20 | TW
What did they say last time?
Keeps interview recordings with transcript, consent and subject, searchable by the research team.
Recordings are on personal drives and are asked for again by the next project, from the same customers.
Fewer repeated interviews, and consent that can be shown and withdrawn.
Ask once, listen many times.

تقويم الفعاليات · Arabic Event Calendar | Marketing / Events | Not yet Prioritized | Yet to Start | Medium | Lucía Ferrer | Ben Osei | TBD | AI & Engagement | CMS | M | 15 | T
The Gulf shows in their own language
Publishes the event calendar in Arabic, right to left, with local dates, times and prayer breaks.
Two of our five fastest growing shows are in the Gulf, and their calendar exists as an English PDF only.
Nobody has estimated it yet; the regional team expects a fifth more registrations.
أهلاً وسهلاً begins before the door.

Chapter Leader Toolkit | Membership / Community | Not yet Prioritized | Yet to Start | Low | Hana Sato | | | Cross-Functional | Hubspot | S | 10 | R
A box with everything for a first meeting
Templates, a mailing list, a room checklist and a small budget form for volunteers who start a chapter.
Half of the new chapters stop before their third meeting, mostly for want of somebody to ask.
Small money; the community team would run it.
Volunteers run on being answered.

Support Backlog Radar | Support | Not yet Prioritized | | Low | Grace Kim | | ? | Operational Reliability | Salesforce | S | 10 | W
See the queue before it is one
Forecasts next week's tickets from releases, renewals and shows, and says how many people it takes.
We plan shifts by last month's average and are wrong after every release.
Came in by mail without a status; to be looked at.
A weather report for Mondays.

Policy Sign-off Tracker | People / Legal | Not yet Prioritized | Yet to Start | Low | Chidi Okafor | Ben Osei | N/A | Operational Reliability | Other | XS | 30 | 
Who has read what
Shows which policies each person has still to read, and keeps the signed version.
The evidence for the auditors is a folder of mails with "ok" in them.
One audit finding less and a day saved each quarter.
Signed, dated, found again.

Grant Deadline Reminders | Grants | Not yet Prioritized | Yet to Start | Low | Omar Siddiqui | Dev Patel | | Demand Gen & Efficiency | GTZenda | XS | 45 | R
Never miss one again
Reminds applicants of the deadlines they follow by mail or calendar, in their own time zone.
One applicant in twelve starts a form and misses its deadline.
A small change with a friendly effect on completed applications.
A knot in the handkerchief.

Speaker Travel Desk | Events | Not yet Prioritized | Yet to Start | Medium | Lucía Ferrer | | +240 | Operational Excellence | Other | M | 10 | 
Flights that follow the agenda
Speakers book within their budget; a changed session time warns whoever has a flight booked against it.
Last year nine speakers flew home before their moved session.
Fewer empty stages, and eighty mails less for each show.
Check the wings before the stage.

Room & Rota Planner | Operations | Not yet Prioritized | Yet to Start | Medium | Chidi Okafor | | | Operational Reliability | Other | M | 5 | 
Rooms, people and keys on one board
Plans rooms, shifts and equipment together and warns of a clash when it is made.
Three calendars, and a wall with magnets that is right most of the time.
Not estimated. The wall gets photographed every Friday as a backup.
Magnets don't send notifications.
"""  # noqa: E501


def main() -> None:
    """Write the file."""
    TARGET.write_text(build(), encoding="utf-8")


def build() -> str:
    """The file's text."""
    blocks = [block.strip("\n") for block in BLOCKS.strip("\n").split("\n\n")]
    places: dict[str, int] = {}
    projects = [_project(block.split("\n"), places) for block in blocks]
    return json.dumps(projects, ensure_ascii=False, indent=1) + "\n"


def _project(lines: list[str], places: dict[str, int]) -> dict[str, Any]:
    head = [each.strip() for each in lines[0].split("|")]
    name, department, priority, status, effort, owner, lead, launch = head[:8]
    group, system, shirt, ready, flags = head[8:]
    value, what, why, impact, punchline = lines[1:6]
    comments = [line.removeprefix("> ") for line in lines[6:]]
    places[priority] = places.get(priority, 0) + 1
    dated = launch[:1] in ("+", "-")
    row: dict[str, Any] = dict.fromkeys(fields.BY_PATH) | {
        "project_id": id_for_name(name),
        "feature_name": name,
        "status": status or None,
        "priority": priority,
        "sort_order": places[priority],
        "product_owner": owner or None,
        "it_lead": lead or None,
        "launch_target": None if dated else launch or None,
        "launch_in_days": int(launch) if dated else None,
        "department": department,
        "strategic_group": group,
        "strategic_value": value,
        "level_of_effort": effort,
        "intake.dev_t_shirt": shirt,
        "intake.dev_readiness": int(ready),
        "intake.primary_system": system,
        "brief.what_it_does": what,
        "brief.why_it_matters": why,
        "brief.business_impact": impact,
        "brief.punchline": punchline,
        "intake.submitted_by": _one_of(NOMINATORS, name, "submitted"),
        "intake.executive_sponsor": _one_of(SPONSORS, name, "sponsor"),
        "intake.intake_document_url": f"https://docs.example.com/itsc/{id_for_name(name)}",
        "intake.reviewer_comments": "\n".join(comments) or None,
        "parent_id": id_for_name(PARENTS[name]) if name in PARENTS else None,
        "imported_created_by": _address(_one_of(NOMINATORS, name, "created")),
        "imported_updated_by": _address(_one_of(NOMINATORS, name, "updated")),
    }
    row |= {f"flags.{each}": letter in flags for letter, each in FLAGS.items()}
    row |= _scores(name, priority)
    row["total_score"] = sum(v for p, v in row.items() if fields.is_score(p)) or None
    return nested(row)


def _scores(name: str, priority: str) -> dict[str, int]:
    """Votes from 1 to 5, kinder to what ranks higher; one in eight is missing."""
    kindness = {"P1": 3, "P2": 2, "TBD": 1, "Not yet Prioritized": 0}[priority]
    votes = {}
    for voter in VOTERS:
        draw = _draw(name, voter)
        if draw % 8:
            votes[f"scores.{voter}"] = min(fields.SCORE_MAX, 1 + draw // 8 % 3 + kindness)
    return votes


def _one_of(people: tuple[str, ...], name: str, salt: str) -> str:
    return people[_draw(name, salt) % len(people)]


def _draw(name: str, salt: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{salt}:{name}".encode()).digest()[:4], "big")


def _address(person: str) -> str:
    return f"{person.lower().replace(' ', '.')}@example.com"


if __name__ == "__main__":
    main()
