"""The words by which a reading knows thanks, stops, offers and the like.

Phrases are written the way `reading_text.key` folds them: lower case, no accents, no
punctuation, one space between words, nothing where an apostrophe or hyphen stood.
A new language is a few more words in each list.
"""

from __future__ import annotations


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


def _phrases(listed: str) -> tuple[str, ...]:
    """Phrases with commas between them; a line may break inside one."""
    return tuple(" ".join(phrase.split()) for phrase in listed.split(","))


#: Words that join a term to what it is said to be.
COPULAS = frozenset(
    {"is", "are", "means", "equals", "ist", "sind", "heisst", "bedeutet", "est", "sont"}
    | {"signifie", "es", "son", "significa", "ar", "betyder", "innebar"}
)

#: Words that may stand around the term without being part of the answer: "For me, …, I think, is".
FILLERS = _words("""
    i id ill we think believe guess feel reckon say would that for to me in my our view opinion
    experience book mind honest honestly imo imho well so hm hmm um ok okay and but really
    simply basically essentially today here goes answer take definition version fur mich ich wir
    finde denke glaube dass meiner meinung nach also ehrlich meine antwort pour moi je pense que
    crois selon mon avis ma reponse para mi yo creo pienso opino en respuesta mig jag tycker
    tror att enligt min mening mitt svar
""")

#: Straight before the term these belong to it: "My thought leadership is better".
DETERMINERS = frozenset({"my", "our", "in", "to", "for", "meine", "mon", "ma", "min", "mitt"})

#: Openings that stand for the term, longest first: "It's …".
PRONOUN_LEADS = (
    ("it", "is"), ("that", "is"), ("this", "is"), ("es", "ist"), ("das", "ist"), ("det", "ar"),
    ("eso", "es"), ("esto", "es"), ("its",), ("thats",), ("cest",),
    ("is",), ("ist",), ("est",), ("ar",),
)  # fmt: skip
#: Without its apostrophe this one is mostly a possessive: "its own reward".
NEEDS_APOSTROPHE = frozenset({"its", "thats", "cest"})

GREETINGS = _words("""
    hi hello hey dear greetings morning hallo guten moin liebe lieber servus bonjour salut chere
    cher hola buenos buenas estimados hej hejsan kara
""")

#: A sentence of few words that starts like this is thanks.
THANKS = _phrases("""
    thanks, thank you, thankyou, many thanks, much appreciated, appreciate it, i appreciate,
    thx, ty, cheers, danke, vielen dank, herzlichen dank, dankeschon, merci, gracias, muchas
    gracias, mil gracias, tack, stort tack, tusen tack
""")
MOST_THANKS_WORDS = 14

#: A sentence of few words that starts like this is about the question, not an answer to it.
PRAISE = _phrases("""
    great question, good question, nice question, fun question, interesting question, what a
    great, what a good, what a lovely, what a fun, thats a good question, thats a great
    question, love this, love it, love the question, i love this, great initiative, great
    project, nice project, nice one, happy to, glad to, gute frage, tolle frage, schone frage,
    bonne question, belle question, buena pregunta, bra fraga, kul fraga
""")
MOST_PRAISE_WORDS = 7

#: A line that says good-bye; a name may follow it.
CLOSER_STARTS = _phrases("""
    best regards, kind regards, warm regards, all the best, best wishes, hope that helps, hope
    this helps, sent from my, viele grusse, liebe grusse, beste grusse, mit freundlichen
    grussen, bien a vous, un saludo, un abrazo, med vanliga halsningar, vanliga halsningar,
    gesendet von mein, envoye de mon, enviado desde mi, skickat fran min
""")
#: The same, where a comma or the end of the line must follow.
CLOSER_WORDS = _words("""
    abrazos best bises cheers cordialement gruss grusse halsningar lg love mfg mvh regards
    saludos sincerely thanks warmly xoxo xx yours
""")
MOST_CLOSER_WORDS = 6

#: Whole messages that react without answering.
REACTIONS = frozenset(
    _phrases("""
    1, agree, agreed, amen, awesome, bump, cool, done, exactly, exacto, first, following, genau,
    great, haha, hahaha, i agree, ja, lol, me too, nein, nej, nice, no, non, nope, ok, okay,
    oui, precis, same, same here, si, so true, sure, test, this, true, well said, wow, yeah,
    yep, yes
""")
)
#: Messages that begin like this decline or put off an answer.
NO_ANSWER = _phrases("""
    i dont know, idk, dont know, no idea, i have no idea, not sure, im not sure, no comment, ill
    pass, pass, no thanks, no thank you, not interested, im not interested, let me think, let me
    get back, i will get back, ill get back, will get back, will reply, i will reply, ill reply,
    i will answer, ill answer, i will think, ill think, will think about it, need to think, ich
    weiss nicht, weiss nicht, keine ahnung, je ne sais pas, aucune idee, no se, ni idea, vet
    inte, jag vet inte, ingen aning
""")
MOST_NO_ANSWER_WORDS = 16

# ----------------------------------------------------------------- questions
QUESTION_WORDS = _words("""
    what who whom whose which when where why how is are am was were do does did can could may
    might will would should shall has have had isnt arent dont doesnt wont cant wer wie wo wann
    warum wieso wozu welche welcher kann konnen darf wird werden haben sind ist gibt que qui
    quoi quel quelle comment pourquoi quand ou estce peuton puisje quien cual cuando donde como
    por cuanto puedo pueden hay vad vem vilken nar var varfor hur kan far ar finns
""")
#: The same without a closing s, so that "what's" and "who's" are known too.
QUESTION_STEMS = frozenset(word.removesuffix("s") for word in QUESTION_WORDS)
#: Openings of a question to us even where the question mark is missing.
ASKS_US = _phrases("""
    who are you, who is this, who is behind, who runs, how did you, how do you, how will you,
    how do i, how can i, where did you, where will, when will, why do you, why are you, why me,
    what do you, what will you, what happens, what is this, whats this, do you, did you, are
    you, can i, can you, may i, could i, could you, should i, will i, will you, would you, is
    this, is it ok, is it okay, is that ok, is that okay, is that what, is there, does this,
    does that, does it, wer sind sie, wer seid ihr, woher haben sie, was passiert, was machen
    sie, darf ich, kann ich, konnen sie, wird das, werden sie, qui etesvous, puisje, estce que,
    pouvezvous, quienes son, quien es, puedo, pueden, vilka ar ni, vem ar du, far jag, kan jag,
    kan ni, kan du
""")
#: "Thought leadership is what, exactly?" asks as well.
ASKS_BACK = frozenset({"what", "who", "was", "quoi", "que", "vad"})
MOST_ASK_BACK_WORDS = 4

# ---------------------------------------------------------------------- stop
#: Politeness that may surround a stop without changing it.
STOP_COURTESIES = _words("""
    please pls plz kindly just now ok okay hi hello hey sorry immediately bitte svp sil vous
    plait por favor tack snalla thanks thank you but merci gracias danke
""")
#: As a whole message only: inside an answer these are ordinary words.
STOP_MESSAGES = frozenset(
    _phrases("""
    abbestellen, abmelden, arretez, avanmal, avregistrera, avsluta, baja, cancelar, dar de baja,
    delete me, desabonnement, desabonner, desinscription, desinscrire, go away, opt out, optout,
    remove me, sluta, stop, stop all, stop it, stop that, stop this, stopall, stopp,
    unsubscribe, unsubscribe me
""")
)
#: A sentence that starts like this, wherever it stands, asks us to stop.
STOP_SENTENCES = _phrases("""
    leave me alone, leave me be, leave me in peace, unsubscribe me, take me off, opt me out,
    remove me from, remove my address, remove my email, delete me from, unsubscribe from this,
    unsubscribe from your, unsubscribe from these, unsubscribe from the list, i want to
    unsubscribe, i want to opt out, i would like to unsubscribe, id like to unsubscribe, i wish
    to unsubscribe, i want to be removed, id like to be removed, i would like to be removed, i
    do not want to be contacted, i dont want to be contacted, no more emails, no more mails, no
    more messages, i do not want any more, i dont want any more, i do not want your, i dont want
    your, i want you to stop, schreiben sie mir nicht mehr, schreib mir nicht mehr, schreibt mir
    nicht mehr, keine weiteren nachrichten, keine nachrichten mehr, keine weiteren mails, keine
    mails mehr, lassen sie mich in ruhe, lass mich in ruhe, lasst mich in ruhe, melden sie mich
    ab, ne mecrivez plus, ne mecris plus, arretez de mecrire, laissezmoi tranquille,
    desabonnezmoi, desinscrivezmoi, ne me contactez plus, no me escriban mas, no me escriba mas,
    no me escribas mas, no me contacten, dejen de escribirme, deja de escribirme, dejenme en
    paz, dejame en paz, denme de baja, quiero darme de baja, sluta skriva till mig, sluta mejla
    mig, skriv inte till mig, kontakta mig inte, lamna mig ifred, avregistrera mig, ta bort mig
    fran
""")
MOST_STOP_WORDS = 16
#: "Stop … me" and "don't … me" with one of these verbs in between.
CONTACT_VERBS = _words("""
    write writing email emailing mail mailing message messaging contact contacting text texting
    send sending dm dming tag tagging ping pinging bother bothering spam spamming call calling
    reply replying disturb disturbing
""")
NOT_TO = (("stop",), ("quit",), ("dont", "ever"), ("dont",), ("do", "not"), ("never",))
#: "Could you please …", before a stop.
STOP_OPENERS = _words("can could would will you and so then again")
TO_US = frozenset({"me", "us", "my", "myself"})

# ---------------------------------------------------------------------- spam
LINK_STARTS = ("http://", "https://", "www.")
MANY_LINKS = 3
#: Weights: an offer in its own words counts two, a word that offers like to use counts one.
OFFERS = _phrases("""
    seo services, seo expert, seo agency, backlinks, guest post, link exchange, online casino,
    sports betting, forex, payday loan, click here, click the link, buy now, order now, act now,
    limited time, limited offer, special offer, promo code, discount code, coupon code, earn
    money, make money, work from home, passive income, guaranteed returns, double your, grow
    your followers, buy followers, cheap followers, followers for, free trial, book a call,
    schedule a call, on whatsapp, via whatsapp, dm me for, dm for, telegram group, crypto
    signals, crypto investment, crypto wallet, crypto trading, bitcoin investment, airdrop,
    presale, free nft, viagra, cialis, weight loss, web design services, lead generation
    services, our services, we offer, best price, jetzt kaufen, gratis testen, kostenlos testen,
    gagnez de largent, offre speciale, gana dinero, oferta especial, tjana pengar, kop nu
""")
OFFER_WORDS = frozenset(
    [
        "crypto",
        "bitcoin",
        "ethereum",
        "nft",
        "casino",
        "betting",
        "loan",
        "loans",
        "discount",
        "invest",
        "investment",
        "profit",
        "profits",
        "jackpot",
        "bonus",
        "deal",
        "cheap",
        "followers",
        "whatsapp",
        "telegram",
        "giveaway",
        "seo",
        "roi",
    ]
)
SPAM_SCORE = 3
#: Somebody who takes up the prompt is given more benefit of the doubt.
SPAM_SCORE_OF_ANSWER = 5
