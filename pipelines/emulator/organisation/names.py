"""Invented first and last names, departments and titles."""

from __future__ import annotations

_FIRST_NAMES = """
Ada Adel Aiko Alma Amir Anika Anton Arun Astrid Bela Bianca Bram Carla Cato Chloe Clara Dario Dalia Daan Devi
Edda Eliot Elena Emre Enzo Erin Esra Farid Femke Fiona Flora Gita Goran Greta Hana Hugo Ilse Imran Ines Ivo Jada
Jonas Joris Juno Kaito Kamal Karin Keiko Kian Lara Leif Lena Leon Lina Lotte Luca Maja Malik Mara Marek Mei Mila
Milan Mira Nadia Nils Noor Nora Olaf Oona Otto Pia Priya Quinn Rafael Ravi Rosa Ruben Sami Sana Selma Silas
Sofia Stella Sven Tala Tariq Teo Thea Tomas Uma Vera Victor Wanda Wout Xenia Yara Yusuf Zara Zeno
"""
_LAST_NAMES = """
Abbink Acheson Adair Aldana Amsel Araki Ashdown Baumann Bekker Bergeron Bhatt Blackwood Boersma Bonnet Brandt
Calder Castellan Chauhan Clement Corwin Dahl Danvers Deshpande Dijkman Dorsey Drake Eastman Edo Elzinga Fairley
Faulk Ferro Fiala Fournier Gagnon Garza Gelder Gokhale Grieve Haas Halloran Hamada Hartman Hendriks Holloway
Ibarra Iyer Jansson Joshi Kamble Karlsen Keating Kimura Kestrel Kulkarni Lachance Lindqvist Loomis Machado
Marchand Marlow Mehta Moreau Morita Naylor Nijhof Novak Oakley Ogawa Okoye Ortega Osgood Paterson Pawar
Pelletier Pinto Prior Quist Rademaker Rao Redfern Rivard Rocha Roukema Sable Salazar Sawant Selwyn Shirai Sloan
Steen Tanabe Teixeira Thorne Tremblay Uchida Vance Veldkamp Verhoef Villar Wadley Weller Winslow Yamane Yates
Zeeman
"""
FIRST = tuple(_FIRST_NAMES.split())
LAST = tuple(_LAST_NAMES.split())
# name, share of employees, titles
DEPARTMENTS = (
    ("Finance", 0.10, ("Accountant", "Controller", "Payroll Specialist")),
    ("Service Desk", 0.0, ("Service Desk Agent",)),
    ("IT", 0.12, ("Systems Engineer", "Network Engineer", "Platform Administrator")),
    ("Engineering", 0.24, ("Mechanical Engineer", "Software Engineer", "Test Engineer")),
    ("Sales", 0.16, ("Account Manager", "Sales Engineer")),
    ("Operations", 0.18, ("Planner", "Plant Supervisor", "Logistics Coordinator")),
    ("Human Resources", 0.07, ("HR Partner", "Recruiter")),
    ("Legal", 0.03, ("Counsel", "Compliance Officer")),
    ("Marketing", 0.06, ("Campaign Manager", "Designer")),
    ("Procurement", 0.04, ("Buyer",)),
)
DEPARTMENT_INDEX = {name: index for index, (name, _, _) in enumerate(DEPARTMENTS)}
CUSTOMERS = ("Harborline Foods", "Ostrava Rail", "Pinecrest Clinics", "Kobayashi Tools", "Delta Ferry")
