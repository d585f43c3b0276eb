"""What Erica says in her own voice, apart from errors. One place, so that it can be read in one go."""

SEARCHING = "Searching the course material …"
WRITING = "Writing an answer …"
QUOTING = "The answering model is not available, quoting the course material instead …"

NO_MODEL = "*No answering model is set up, so here is what the course material says, word for word:*"
MODEL_DOWN = "*The answering model is not available right now. This is what the course material says, word for word:*"
NOTHING_TO_QUOTE = "*I cannot quote anything on this right now.*"
BRIEF = "*The course treats this only briefly.*"
ABSTAINED = "The course material does not seem to cover this, so I would rather not guess."
NOT_RELEASED = "Some material of this course is not released yet; ask again when it is, or ask the course staff."
CLOSEST = "Closest I have:"
ELSE_ASK = "If you think it does, ask in other words, or ask the course staff."
MORE = "More on this:"
NOT_GROUNDED = "⚠️ *This answer cites no page of the course. Check it before you rely on it.*"
NOTES_MARK = "(notes)"
REPLACED = "*(Addresses in this code were replaced.)*"
CUT_OFF = "⚠️ *This answer was cut off: it had become too long.*"
WANTED_FIRST = "You'll want first:"

GREETING = (
    "Hello! Ask me anything about the material of **{title}**, in your own words. "
    "I answer from the lecture pages and link the ones I stand on."
)
NOTHING_ASKED = "I did not find a question in that. Ask me something about the course material, in your own words."
WRONG_CHANNEL = (
    "I do not answer for any course in this channel. Please ask in your course's channel, "
    "or ask the course staff to add this one to Erica's course file."
)
NO_COURSE_HERE = "I do not know of a course of yours here. Please ask in your course's channel."
WHICH_COURSE = "Which course is this about?"
COURSE_CHOSEN = "This conversation is about **{title}** now. `/help` tells what I can do."
ANSWERED_HERE = "*Asked before: [answered here]({link}).*"
STOPPED = "*Stopped, as you wished. Ask again whenever you like.*"
GIVEN_UP = (
    "I could not answer this, and I am sorry. Please ask again, and tell the course staff if it keeps happening. "
    "(Log id `{id}`.)"
)
