# ActiveRecord on ruby-pg: models, relations, insert_all and upsert_all; with prepared statements, its default, and without.

# It is the application_name of the connection.
$PROGRAM_NAME = "activerecord"

require "active_record"
require_relative "stage"

class Contact < ActiveRecord::Base
  self.table_name = "hubspot.contacts"
  self.primary_key = "id"
end

def open_with(prepared)
  lambda do |url|
    ActiveRecord::Base.establish_connection(url: url, pool: 1, prepared_statements: prepared)
    Contact.reset_column_information
    Contact.connection.schema_cache.clear!
    # What it reads of the catalogue before it first uses the model.
    Contact.columns_hash
    cache = Contact.connection.schema_cache
    cache.data_source_exists?("hubspot.contacts")
    cache.primary_keys("hubspot.contacts")
    cache.indexes("hubspot.contacts")
    Contact.connection.schema_search_path
  end
end

def connect(url)
  open_with(true).call(url)
end

def close
  ActiveRecord::Base.remove_connection
end

def ada
  Contact.find_by!(email: "ada@example.com")
end

def acme
  Contact.where(company: "Acme")
end

def transaction(**options, &block)
  Contact.transaction(**options, &block)
end

EXPRESSION = "annualrevenue = annualrevenue + 5"
ADELE = { firstname: "Adele" }
MIXED = EVE.merge(
  annualrevenue: 12.5,
  opted_in: true,
  lastname: nil,
  interests: %w[product events],
  renewal_date: Date.new(2026, 3, 1),
  last_visit: Time.utc(2026, 3, 1, 12, 30),
)

shapes = {
  "create" => -> { Contact.create!(EVE) },
  "create, all columns" => -> { Contact.create!(WIDE) },
  "create, numbers, nulls and booleans" => -> { Contact.create!(MIXED) },
  "create, twice" => -> { THREE.first(2).each { |row| Contact.create!(row) } },
  "create several" => -> { Contact.create!(THREE) },
  "insert" => -> { Contact.insert!(EVE) },
  "insert returning" => -> { Contact.insert!(EVE, returning: %w[id email]) },
  "bulk insert" => -> { Contact.insert_all!(THREE) },
  "bulk insert returning" => -> { Contact.insert_all!(THREE, returning: %w[id email]) },
  "upsert, do nothing" => -> { Contact.insert(person("ada", "Ada")) },
  "upsert, do nothing with a target" => -> { Contact.insert_all([person("ada", "Ada"), EVE], unique_by: :email) },
  "upsert, do update" => -> { Contact.upsert(person("ada", "Adele"), unique_by: :email) },
  "upsert, do update, several rows" => -> { Contact.upsert_all([person("ada", "Adele"), EVE], unique_by: :email) },
  "upsert, do update by key" => -> { Contact.upsert({ id: "501", firstname: "Adele" }) },
  "find_or_create_by, a new one" => -> { Contact.find_or_create_by!(EVE) },
  "create_or_find_by, an old one" => -> { Contact.create_or_find_by!(email: "ada@example.com") },
  "update by key" => -> { Contact.where(id: "501").update_all(ADELE) },
  "update by where" => -> { acme.update_all(phone: "+4930123456") },
  "update by list" => -> { Contact.where(id: %w[501 503]).update_all(lastname: "Ray") },
  "update by expression" => -> { Contact.where(id: "501").update_all(EXPRESSION) },
  "update with order and limit" => -> { acme.order(:email).limit(1).update_all(ADELE) },
  "update_counters" => -> { Contact.update_counters("501", annualrevenue: 5) },
  "delete by key" => -> { Contact.delete("501") },
  "delete by where" => -> { acme.delete_all },
  "destroy by where" => -> { acme.destroy_all },
  "find, then save" => -> { ada.update!(ADELE) },
  "find, then save null" => -> { ada.update!(ADELE.merge(lastname: nil)) },
  "find, then save unchanged" => -> { ada.save! },
  "find, then update_columns" => -> { ada.update_columns(ADELE) },
  "find, then increment" => -> { ada.increment!(:annualrevenue, 5) },
  "find, then destroy" => -> { ada.destroy! },
  "find several, then save" => -> { acme.order(:email).each_with_index { |row, at| row.update!(firstname: "N #{at}") } },
  "create, then save, then destroy" => lambda do
    made = Contact.create!(EVE)
    made.update!(firstname: "Evelyn")
    made.reload
    made.destroy!
  end,
  "transaction: create" => -> { transaction { Contact.create!(EVE) } },
  "transaction: find for update, then save" => -> { transaction { ada.tap(&:lock!).update!(ADELE) } },
  "transaction: with_lock" => -> { ada.with_lock { Contact.where(id: "501").update_all(ADELE) } },
  "transaction: with an isolation level" => -> { transaction(isolation: :repeatable_read) { Contact.create!(EVE) } },
  "transaction: two writes" => lambda do
    transaction do
      Contact.create!(EVE)
      Contact.delete("501")
    end
  end,
  "transaction: rolled back" => lambda do
    transaction do
      Contact.create!(EVE)
      raise ActiveRecord::Rollback
    end
  end,
  "savepoint: create" => -> { transaction { transaction(requires_new: true) { Contact.create!(EVE) } } },
  "savepoint: rolled back" => lambda do
    transaction do
      transaction(requires_new: true) do
        Contact.create!(EVE)
        raise ActiveRecord::Rollback
      end
    end
  end,
  "savepoint: a refused create, then another" => lambda do
    transaction do
      begin
        transaction(requires_new: true) { Contact.create!(person("ada", "Ada")) }
      rescue ActiveRecord::RecordNotUnique
        nil
      end
      Contact.create!(EVE)
    end
  end,
}

play(method(:connect), method(:close), shapes)

again = shapes.slice("create", "create, numbers, nulls and booleans", "bulk insert returning", "find, then save", "find, then destroy")
play(open_with(false), method(:close), again.transform_keys { |shape| "#{shape}, nothing prepared" })
