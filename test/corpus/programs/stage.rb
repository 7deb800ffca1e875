# The stage on which a program performs its shapes: each on a connection of its own, announced to capture.mjs on stdout.

def say(line)
  $stdout.puts line
  $stdout.flush
  $stdin.gets
end

# `open` connects, and says all that the client says before it is of use.
def play(open, close, shapes)
  shapes.each do |shape, perform|
    say "begin connect"
    open.call(ENV.fetch("DATABASE_URL"))
    say "begin #{shape}"
    perform.call
    say "end"
    close.call
  end
end

# What a program raises to have its transaction rolled back.
class Undo < StandardError; end

def person(email, firstname)
  { email: "#{email}@example.com", firstname: firstname }
end

EVE = person("eve", "Eve")
# Three rows for a bulk insert.
THREE = [person("tia", "Tia"), person("tom", "Tom"), person("tim", "Tim")]
# A row with a value in all columns that a client may write.
WIDE = {
  email: "wide@example.com",
  firstname: "Wanda",
  lastname: "O'Wide",
  phone: "+491701234567",
  company: "Größe & Söhne",
  annualrevenue: "1234.50",
}
