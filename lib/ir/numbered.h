#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace qprep {

/// A table of one model's nodes, or of its values, by Node::number() or Value::number(): what
/// std::unordered_map of pointers is, at one read of an array where that follows a chain. Entries stay where
/// they are until they are erased. Iterated in the order in which they came; one that was erased and comes
/// back is the last.
template <typename Key, typename T>
class Numbered {
 public:
  using value_type = std::pair<const Key* const, T>;

 private:
  static constexpr std::size_t kOfChunk = 32;
  using Chunk = std::vector<std::optional<value_type>>;  // kOfChunk of them

  template <typename Table>
  class Iterator {
   public:
    using Entry = std::conditional_t<std::is_const_v<Table>, const typename Table::value_type,
                                     typename Table::value_type>;
    using value_type = typename Table::value_type;
    using reference = Entry&;
    using pointer = Entry*;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::forward_iterator_tag;

    Iterator() = default;
    Iterator(Table& table, std::size_t at) : table_(&table), at_(at) { skip(); }

    Entry& operator*() const { return *table_->slot(at_); }
    Entry* operator->() const { return &**this; }
    Iterator& operator++() {
      ++at_;
      skip();
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.at_ == b.at_; }

   private:
    friend class Numbered;
    void skip() {
      while (at_ < table_->used_ && !table_->slot(at_)) ++at_;
    }

    Table* table_ = nullptr;
    std::size_t at_ = 0;
  };

 public:
  using iterator = Iterator<Numbered>;
  using const_iterator = Iterator<const Numbered>;

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  /// `count` entries are to come, of keys with numbers below it or little above.
  void reserve(std::size_t count) { place_of_.reserve(count); }
  void clear() { *this = {}; }

  iterator begin() { return {*this, 0}; }
  iterator end() { return {*this, used_}; }
  const_iterator begin() const { return {*this, 0}; }
  const_iterator end() const { return {*this, used_}; }

  bool contains(const Key* key) const { return place_of(key) != kNone; }
  iterator find(const Key* key) { return at_place(*this, place_of(key)); }
  const_iterator find(const Key* key) const { return at_place(*this, place_of(key)); }
  T& at(const Key* key) { return checked(*this, key).second; }
  const T& at(const Key* key) const { return checked(*this, key).second; }
  T& operator[](const Key* key) { return emplace(key).first->second; }

  /// Nothing happens where the key has an entry.
  template <typename... Args>
  std::pair<iterator, bool> emplace(const Key* key, Args&&... args) {
    if (const std::size_t known = place_of(key); known != kNone) return {at_place(*this, known), false};
    const std::size_t number = key->number();
    if (number >= place_of_.size()) place_of_.resize(number + 1, kNone);
    if (place_of_[number] != kNone) throw std::logic_error("a table of two models");
    if (used_ % kOfChunk == 0) chunks_.emplace_back(kOfChunk);
    slot(used_).emplace(std::piecewise_construct, std::tuple(key),
                        std::forward_as_tuple(std::forward<Args>(args)...));
    place_of_[number] = static_cast<std::uint32_t>(used_++);
    ++size_;
    return {at_place(*this, used_ - 1), true};
  }

  std::size_t erase(const Key* key) {
    const std::size_t place = place_of(key);
    if (place == kNone) return 0;
    slot(place).reset();
    place_of_[key->number()] = kNone;
    --size_;
    return 1;
  }
  template <typename Test>
  friend void erase_if(Numbered& table, const Test& test) {
    for (std::size_t place = 0; place < table.used_; ++place) {
      if (table.slot(place) && test(*table.slot(place))) table.erase(table.slot(place)->first);
    }
  }

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  std::optional<value_type>& slot(std::size_t place) { return chunks_[place / kOfChunk][place % kOfChunk]; }
  const std::optional<value_type>& slot(std::size_t place) const {
    return chunks_[place / kOfChunk][place % kOfChunk];
  }

  std::uint32_t place_of(const Key* key) const {
    if (!key) return kNone;
    const std::size_t number = key->number();
    if (number >= place_of_.size() || place_of_[number] == kNone) return kNone;
    return slot(place_of_[number])->first == key ? place_of_[number] : kNone;
  }
  template <typename Table>
  static Iterator<Table> at_place(Table& table, std::size_t place) {
    return {table, place == kNone ? table.used_ : place};
  }
  template <typename Table>
  static auto& checked(Table& table, const Key* key) {
    const std::size_t place = table.place_of(key);
    if (place == kNone) throw std::out_of_range("the table has no such entry");
    return *table.slot(place);
  }

  std::vector<std::uint32_t> place_of_;  // by number
  std::vector<Chunk> chunks_;            // the entries in the order in which they came; erased ones are empty
  std::size_t used_ = 0, size_ = 0;
};

/// A set of one model's nodes, or of its values, in the same way.
template <typename Key>
class NumberedSet {
 public:
  bool contains(const Key* key) const { return key->number() < holds_.size() && holds_[key->number()]; }
  /// Result: whether it is new.
  bool insert(const Key* key) {
    if (contains(key)) return false;
    if (key->number() >= holds_.size()) holds_.resize(key->number() + 1);
    holds_[key->number()] = true;
    return true;
  }

 private:
  std::vector<bool> holds_;  // by number
};

}  // namespace qprep
