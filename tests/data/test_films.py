from src.data.films import number_films


def test_films_are_numbered_in_order_of_appearance():
    assert number_films(["b", "a", "b", "c"], ["1", "2", "3", "4"]).tolist() == [0, 1, 0, 2]


def test_titles_that_share_a_review_are_one_film_through_any_number_of_links():
    titles = ["a", "b", "b", "c", "d", "c"]
    texts = ["same", "same", "also", "also", "other", "third"]
    assert number_films(titles, texts).tolist() == [0, 0, 0, 0, 1, 0]
