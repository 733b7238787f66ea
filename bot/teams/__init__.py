"""Teams and the Bot Framework SDK, behind one seam: nothing else imports botbuilder."""
